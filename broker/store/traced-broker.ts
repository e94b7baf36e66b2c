import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { IConnectPacket, Packet } from 'mqtt-packet'
import { parser } from 'mqtt-packet'
import { connectPacket, password, RawClient, temporaryDirectory } from '../test-support.ts'
import { parseSystemCalls, type SystemCall, straceOptions } from './system-calls.ts'
import { prepareProgram } from './test-program.ts'

/** Why the tests with system calls cannot run here; false if they can. */
export const cannotTrace = spawnSync('strace', ['-V']).status === 0 ? false : 'strace is not installed'

/** The bundled program on plain TCP, every system call of which is written down from its start on. */
export interface TracedBroker {
  /** Its state directory. */
  readonly directory: string
  /** What was logged up to the beginning, parsed. */
  readonly lines: readonly Record<string, unknown>[]
  /** Logs in as `try`; the port tells its connection in the trace. */
  login(version: 4 | 5, more: Partial<IConnectPacket>): Promise<{ client: RawClient; port: number }>
  /** Waits until it has done something. */
  until(wanted: (calls: readonly SystemCall[]) => boolean): Promise<void>
  /** Ends as by a crash and gives what it has done. */
  kill(): Promise<readonly SystemCall[]>
}

export async function startTracedBroker(t: TestContext, settings: NodeJS.ProcessEnv = {}): Promise<TracedBroker> {
  const directory = await temporaryDirectory(t)
  const env = { ...(await prepareProgram(directory)), SKERRY_LISTEN_MQTT: '127.0.0.1:0', ...settings }
  const trace = join(directory, 'trace')
  // -D: the child is the broker itself, strace watches from beside.
  const args = ['-D', ...straceOptions, '-o', trace, process.execPath, 'broker.mjs']
  const child = spawn('strace', args, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => void child.kill('SIGKILL'))
  // strace holds on to it until all is written.
  const closed = once(child, 'close')
  child.stderr.pipe(process.stderr)
  const lines: Record<string, unknown>[] = []
  let port = 0
  for await (const line of createInterface(child.stdout)) {
    const entry = JSON.parse(line)
    lines.push(entry)
    if (entry.msg !== 'ready') continue
    port = entry.listeners[0].port
    break
  }
  child.stdout.resume()

  const login: TracedBroker['login'] = async (version, more) => {
    const socket: Socket = connect(port, '127.0.0.1')
    t.after(() => void socket.destroy())
    await once(socket, 'connect')
    const client = new RawClient(socket, version)
    client.send(connectPacket(version, { username: 'try', password: Buffer.from(password), ...more }))
    return { client, port: socket.localPort ?? 0 }
  }
  const read = async () => parseSystemCalls(await readFile(trace, 'latin1'))
  const until: TracedBroker['until'] = async (wanted) => {
    while (!wanted(await read())) await setTimeout(20)
  }
  const kill = async () => {
    child.kill('SIGKILL')
    await closed
    return await read()
  }
  return { directory, lines, login, until, kill }
}

/** What a call sends to the client on this port of its own. */
export function sentTo(port: number, { name, target, data }: SystemCall): Buffer {
  const isSent = ['write', 'writev', 'sendmsg'].includes(name) && target.endsWith(`->127.0.0.1:${port}]`)
  return isSent ? data : Buffer.alloc(0)
}

export function decode(bytes: Buffer, version: 4 | 5): Packet[] {
  const packets: Packet[] = []
  const parsing = parser({ protocolVersion: version })
  parsing.on('packet', (packet) => packets.push(packet))
  parsing.parse(bytes)
  return packets
}
