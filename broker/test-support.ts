import { X509Certificate } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { generate, type IConnectPacket, type ISubscription, type Packet, parser } from 'mqtt-packet'
import { pino } from 'pino'
import websocketStream from 'websocket-stream'
import { createAuthority, type IssuedCertificate } from './authority.ts'
import type { Door } from './connection.ts'
import { type Limits, limits } from './limits.ts'
import { hashPassword, parsePasswordHash } from './passwords.ts'
import { startService } from './service.ts'

export const authority = await createAuthority()
export const adminCertificate = await authority.issue({ commonName: 'admin', purposes: ['clientAuth'] })
export const tryCertificate = await authority.issue({ commonName: 'try', purposes: ['clientAuth'] })
export const otherCertificate = await authority.issue({ commonName: 'other', purposes: ['clientAuth'] })
export const proxyCertificate = await authority.issue({ commonName: 'skerry-proxy', purposes: ['clientAuth'] })
export const brokerCertificate = await authority.issue({
  commonName: 'localhost',
  purposes: ['serverAuth'],
  dnsNames: ['localhost'],
  addresses: ['127.0.0.1'],
})
export const password = 'correct horse'
const hash = parsePasswordHash(await hashPassword(Buffer.from(password)))
if (!hash) throw new Error('hashPassword gives what parsePasswordHash does not read')
const passwords = new Map(['try', 'other', 'admin'].map((username) => [username, hash]))
const doors = ['mqtt', 'mqtts', 'wss', 'ws'] as const

/** A broker of which only the ports are needed. */
export type Reachable = Pick<TestBroker, 'ports'>

export interface TestBroker {
  readonly ports: Readonly<Record<Door, number>>
  /** What was logged, parsed. */
  readonly lines: readonly Record<string, unknown>[]
  /** Waits until a line with this message is in the log. */
  logged(message: string): Promise<void>
  stop(): Promise<void>
}

/**
 * A broker with every listener on free ports of this machine; `admin` is the administrator, `try` and `other` have the password.
 * Without a directory it has an empty one of its own.
 */
export async function startTestBroker(
  t: { after(cleanup: () => Promise<void>): void },
  smallerLimits: Partial<Limits> = {},
  directory?: string,
): Promise<TestBroker> {
  const lines: Record<string, unknown>[] = []
  const log = new EventEmitter()
  const write = (line: string) => {
    lines.push(JSON.parse(line))
    log.emit('line')
  }
  const stateDirectory = directory ?? (await mkdtemp(join(tmpdir(), 'skerry-broker-')))
  const service = await startService({
    stateDirectory,
    acknowledge: 'synced',
    administrators: new Set(['admin']),
    listeners: doors.map((door) => ({ door, binding: { host: '127.0.0.1', port: 0 } })),
    credentials: {
      certificate: brokerCertificate.certificate,
      privateKey: brokerCertificate.privateKey,
      authorities: authority.authorities,
      proxyCertificate: new X509Certificate(proxyCertificate.certificate),
      passwords,
    },
    limits: { ...limits, shutdownTimeout: 1_000, ...smallerLimits },
    logger: pino({}, { write }),
  })
  t.after(async () => {
    await service.stop()
    if (directory === undefined) await rm(stateDirectory, { recursive: true })
  })
  const ports = Object.fromEntries(service.addresses.map(({ door, port }) => [door, port]))
  const logged = async (message: string) => {
    while (!lines.some(({ msg }) => msg === message)) await once(log, 'line')
  }
  return { ports: ports as Record<Door, number>, lines, logged, stop: service.stop }
}

/** An empty directory that is gone after the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-broker-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Client options that show a certificate and trust the broker's. */
export function withCertificate({ certificate, privateKey }: IssuedCertificate) {
  return { ca: authority.authorities, cert: certificate, key: privateKey }
}

/** An mqtt.js client that is logged in with a certificate; by default as `try`. */
export async function connect(
  t: TestContext,
  broker: TestBroker,
  options: IClientOptions = {},
  issued = tryCertificate,
): Promise<MqttClient> {
  const client = await mqtt.connectAsync(`mqtts://localhost:${broker.ports.mqtts}`, {
    ...withCertificate(issued),
    reconnectPeriod: 0,
    ...options,
  })
  client.on('error', () => {})
  t.after(() => client.endAsync(true))
  return client
}

/** The reason or return code that a login is refused with; throws if it is not. */
export async function refusalOf(url: string, options: IClientOptions): Promise<number> {
  const client = mqtt.connect(url, { reconnectPeriod: 0, ...options })
  try {
    const code = await new Promise((resolve, reject) => {
      client.once('connect', () => reject(new Error('let in')))
      client.once('error', (error) => resolve('code' in error ? error.code : error))
      client.once('close', () => reject(new Error('closed without an answer')))
    })
    if (typeof code !== 'number') throw code
    return code
  } finally {
    await client.endAsync(true)
  }
}

/** Speaks MQTT packet by packet, also the wrong ones. */
export class RawClient {
  readonly stream: Duplex
  readonly #version: 4 | 5
  readonly #packets: Packet[] = []
  readonly #ended: Promise<unknown>
  #wake = () => {}
  #isClosed = false

  constructor(stream: Duplex, version: 4 | 5) {
    this.stream = stream
    this.#version = version
    const packets = parser({ protocolVersion: version })
    packets.on('packet', (packet) => {
      this.#packets.push(packet)
      this.#wake()
    })
    stream.on('data', (bytes: Buffer) => packets.parse(bytes))
    stream.on('error', () => {})
    this.#ended = new Promise((resolve) => stream.once('close', resolve))
    stream.once('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  static async open(t: TestContext, broker: Reachable, version: 4 | 5 = 5): Promise<RawClient> {
    const socket = connectTcp(broker.ports.mqtt, '127.0.0.1')
    t.after(() => void socket.destroy())
    await once(socket, 'connect')
    return new RawClient(socket, version)
  }

  /** Logged in with a certificate; by default as `try`. */
  static async login(
    t: TestContext,
    broker: Reachable,
    version: 4 | 5 = 5,
    more: Partial<IConnectPacket> = {},
    issued = tryCertificate,
  ): Promise<RawClient> {
    const client = await RawClient.openTls(t, broker, version, issued)
    client.send(connectPacket(version, more))
    await client.next('connack')
    return client
  }

  static async openTls(t: TestContext, broker: Reachable, version: 4 | 5 = 5, issued = tryCertificate) {
    const socket = connectTls({ port: broker.ports.mqtts, host: 'localhost', ...withCertificate(issued) })
    t.after(() => void socket.destroy())
    await once(socket, 'secureConnect')
    return new RawClient(socket, version)
  }

  /** Logged in as `try` over a WebSocket, with the password. */
  static async loginOverWebSocket(t: TestContext, broker: TestBroker, version: 4 | 5, more: Partial<IConnectPacket>) {
    const stream = websocketStream(`ws://127.0.0.1:${broker.ports.ws}/mqtt/`, ['mqtt'])
    t.after(() => stream.socket.terminate())
    await once(stream, 'connect')
    const client = new RawClient(stream, version)
    client.send(connectPacket(version, { username: 'try', password: Buffer.from(password), ...more }))
    await client.next('connack')
    return { client, socket: stream.socket }
  }

  send(...packets: readonly Packet[]): void {
    this.stream.write(Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: this.#version }))))
  }

  /** The next packet of a kind; what comes before it is skipped. Fails when the connection ends first. */
  async next<Kind extends Packet['cmd']>(kind: Kind): Promise<Extract<Packet, { cmd: Kind }>> {
    for (;;) {
      const packet = await this.any()
      if (!packet) throw new Error(`the connection ended before a ${kind}`)
      if (packet.cmd === kind) return packet as Extract<Packet, { cmd: Kind }>
    }
  }

  /** The next packet; undefined when the connection has ended. */
  async any(): Promise<Packet | undefined> {
    for (;;) {
      const packet = this.#packets.shift()
      if (packet || this.#isClosed) return packet
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** All that comes before the answer to a ping; fails when the connection ends first. */
  async settled(): Promise<Packet[]> {
    this.send({ cmd: 'pingreq' })
    const packets: Packet[] = []
    for (;;) {
      const packet = await this.any()
      if (!packet) throw new Error('the connection ended before a pingresp')
      if (packet.cmd === 'pingresp') return packets
      packets.push(packet)
    }
  }

  /** Subscribes and gives the codes of the SUBACK. */
  async subscribe(subscriptions: readonly ISubscription[], identifier?: number): Promise<readonly unknown[]> {
    const properties = identifier === undefined ? {} : { properties: { subscriptionIdentifier: identifier } }
    this.send({ cmd: 'subscribe', messageId: 9, subscriptions: [...subscriptions], ...properties })
    return (await this.next('suback')).granted
  }

  /** Waits until the broker has ended the connection; gives what it had sent and nobody took. */
  async ended(): Promise<readonly Packet[]> {
    await this.#ended
    return this.#packets
  }
}

export function connectPacket(version: 4 | 5, more: Partial<IConnectPacket> = {}): IConnectPacket {
  return {
    cmd: 'connect',
    clientId: '',
    clean: true,
    protocolId: 'MQTT',
    protocolVersion: version,
    ...more,
  }
}

export const publication = { cmd: 'publish', dup: false, retain: false, qos: 0, topic: 'try/a', payload: '' } as const
