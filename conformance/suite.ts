import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { after, type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { IConnectPacket } from 'mqtt-packet'
import websocketStream from 'websocket-stream'
import {
  adminCertificate,
  connectPacket,
  password,
  startTestBroker,
  type TestBroker,
  tryCertificate,
  withCertificate,
} from '../broker/test-support.ts'
import { titleOf } from './titles.ts'
import { Wire } from './wire.ts'

/** HOST:PORT of a broker that lets everybody in over plain TCP; without it, ours runs in this process. */
const foreign = process.env.SKERRY_CONFORMANCE_BROKER

/** Whether the broker is ours, which must also do what the standards leave open and we have decided. */
export const isOurs = foreign === undefined

let started: Promise<TestBroker> | undefined
const cleanups: (() => Promise<void>)[] = []
after(async () => {
  for (const cleanup of cleanups) await cleanup()
})

/** One for all tests of a file; only when a test asks for it, because nothing ends it where none runs. */
function ourBroker(): Promise<TestBroker> {
  started ??= startTestBroker({ after: (cleanup) => void cleanups.push(cleanup) })
  return started
}

/** What a test has: a protocol version, names of its own, and the way to the broker. */
export interface Scene {
  readonly t: TestContext
  readonly version: 4 | 5
  /** A topic that no other test uses; it has one level. */
  readonly topic: string
  /** A client identifier that no other test uses: letters and digits, and up to 23 bytes with a short end. */
  clientId(end?: string): string
  /** A connection on which nothing is sent yet. It may use every topic; `try` as the user only those below `try/`. */
  open(user?: 'admin' | 'try', version?: 4 | 5): Promise<Wire>
  /** A connection whose CONNECT was accepted: Clean Start, no keep alive, no client identifier unless said otherwise. */
  login(more?: Partial<IConnectPacket>, user?: 'admin' | 'try'): Promise<Wire>
}

/** The statements that a test shows, by version; one without a statement there does not run for that version. */
export interface Ids {
  readonly 4?: string | readonly string[]
  readonly 5?: string | readonly string[]
}

interface Needs {
  /** That the broker is ours, because of users or a WebSocket: skipped with any other. */
  readonly ours: boolean
}

/** Registers a test for each version that has statements here. It fails if the broker breaks one of them. */
export function statement(
  ids: Ids,
  behaviour: string,
  run: (scene: Scene) => Promise<void>,
  needs: Needs = { ours: false },
): void {
  for (const version of [4, 5] as const) {
    const these = ids[version]
    if (these === undefined) continue
    const skip = needs.ours && foreign !== undefined
    test(titleOf([these].flat(), version === 4 ? '3.1.1' : '5.0', behaviour), { skip }, (t) => run(scene(t, version)))
  }
}

/** A WebSocket of our broker, nothing sent yet, and the CONNECT with which `try` can log in on it. */
export async function openWebSocket({ t, version }: Scene) {
  const broker = await ourBroker()
  const stream = websocketStream(`ws://127.0.0.1:${broker.ports.ws}/mqtt/`, ['mqtt'])
  t.after(() => stream.socket.terminate())
  await once(stream, 'connect')
  const login = connectPacket(version, { username: 'try', password: Buffer.from(password) })
  return { wire: new Wire(stream, version), socket: stream.socket, login }
}

function scene(t: TestContext, version: 4 | 5): Scene {
  const name = randomBytes(6).toString('hex')
  const open = async (user: 'admin' | 'try' = 'admin', spoken: 4 | 5 = version) => {
    const [stream, event] = await dial(user)
    t.after(() => void stream.destroy())
    await once(stream, event)
    return new Wire(stream, spoken)
  }
  return {
    t,
    version,
    topic: `t${name}`,
    clientId: (end = '') => `c${name}${end}`,
    open,
    async login(more, user) {
      const wire = await open(user)
      wire.send(connectPacket(version, more))
      const { packet } = await wire.expect('connack')
      const code = packet.reasonCode ?? packet.returnCode
      if (code !== 0) throw new Error(`the broker does not let the client in: code ${code}`)
      return wire
    },
  }
}

async function dial(user: 'admin' | 'try') {
  if (foreign !== undefined) {
    const { hostname, port } = new URL(`mqtt://${foreign}`)
    return [connectTcp(Number(port), hostname), 'connect'] as const
  }
  const { ports } = await ourBroker()
  const certificate = withCertificate(user === 'admin' ? adminCertificate : tryCertificate)
  return [connectTls({ port: ports.mqtts, host: 'localhost', ...certificate }), 'secureConnect'] as const
}
