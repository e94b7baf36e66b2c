import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { generate, type Packet, parser } from 'mqtt-packet'
import { SqliteStore } from '../broker/store/sqlite-store.ts'
import type { Change } from '../broker/store/store.ts'
import { describeMachine } from './machine.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const CROWD = { publishers: 20, window: 20 }
const SINGLE = { publishers: 1, window: 1 }
const PAYLOAD = Buffer.alloc(100, 'x')

const program = new Command('npm run bench:store --')
  .description(
    'Measures durable messages with the store in a thread (also without waiting for syncs) and on the event loop, with syncs as they are and 10 ms slower; needs gcc. Writes bench/results/store.md.',
  )
  .option('--seconds <n>', 'of each measurement', '5')
  .option('--rounds <n>', 'of all measurements; the medians are written down', '3')
  .action(async ({ seconds, rounds }: { seconds: string; rounds: string }) => {
    const directory = await mkdtemp(join(tmpdir(), 'skerry-bench-'))
    try {
      const library = join(directory, 'slow-sync.so')
      execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, join(here, 'slow-sync.c'), '-ldl'])
      const loads: Measurement[] = [0, 10].flatMap((milliseconds) =>
        ['thread', 'written', 'loop'].map((variant) => ({
          name: [names[variant] ?? variant, `${milliseconds}`],
          measure: async () => {
            const env = { ...process.env, LD_PRELOAD: library, SLOW_SYNC_MS: `${milliseconds}` }
            return await measureLoad(
              variant,
              await mkdtemp(join(directory, 'state-')),
              env,
              Number(seconds) * 1000,
              CROWD,
            )
          },
        })),
      )
      const singles: Measurement[] = [0, 10].flatMap((milliseconds) =>
        ['thread', 'written'].map((variant) => ({
          name: [names[variant] ?? variant, `${milliseconds}`],
          measure: async () => {
            const env = { ...process.env, LD_PRELOAD: library, SLOW_SYNC_MS: `${milliseconds}` }
            const state = await mkdtemp(join(directory, 'state-'))
            return (await measureLoad(variant, state, env, Number(seconds) * 1000, SINGLE)).slice(0, 3)
          },
        })),
      )
      const restarts: Measurement[] = [
        { queued: 0, retained: 0 },
        { queued: 100_000, retained: 50_000 },
      ].map(({ queued, retained }) => ({
        name: [`${queued}`, `${retained}`],
        measure: async () => await measureRestart(await mkdtemp(join(directory, 'state-')), queued, retained),
      }))
      const all = []
      for (const measurements of [loads, singles, restarts]) all.push(await repeat(Number(rounds), measurements))
      await write(all, Number(rounds))
    } finally {
      await rm(directory, { recursive: true })
    }
  })

const [busy = 0] = loadavg()
const names: Readonly<Record<string, string>> = { written: 'thread, `written`' }

interface Measurement {
  readonly name: readonly string[]
  readonly measure: () => Promise<number[]>
}

/** A row for each: the medians of what it gives in all rounds, which take turns, so that whatever else runs meets them all. */
async function repeat(rounds: number, measurements: readonly Measurement[]): Promise<string[][]> {
  const found = measurements.map((): number[][] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, { name, measure }] of measurements.entries()) {
      const numbers = await measure()
      found[index]?.push(numbers)
      console.log([...name, ...numbers.map(inWords)].join('  '))
    }
  }
  return measurements.map(({ name }, index) => {
    const all = found[index] ?? []
    const medians = (all[0] ?? []).map((_, column) =>
      quantile(
        all.map((numbers) => numbers[column] ?? 0),
        0.5,
      ),
    )
    return [...name, ...medians.map(inWords)]
  })
}

function inWords(number: number): string {
  return number >= 100 ? `${Math.round(number)}` : number.toFixed(1)
}

async function startBroker(variant: string, directory: string, env = process.env) {
  const begun = performance.now()
  const child = fork(join(here, 'store-broker.ts'), [variant, directory], { env })
  const end = () => void child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  const [{ address, memory }] = await once(child, 'message')
  return { child, port: address.port as number, memory: memory as number, milliseconds: performance.now() - begun }
}

async function measureLoad(
  variant: string,
  directory: string,
  env: NodeJS.ProcessEnv,
  duration: number,
  crowd: typeof CROWD,
): Promise<number[]> {
  const { child, port } = await startBroker(variant, directory, env)
  const subscriber = await Client.login(port, 'subscriber')
  subscriber.onPacket = ({ cmd, messageId }) => {
    if (cmd === 'publish' && messageId !== undefined) subscriber.send({ cmd: 'puback', messageId })
  }
  subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/durable', qos: 1 }] })
  const bystander = await Client.login(port, 'bystander')
  bystander.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/live', qos: 0 }] })
  await setTimeout(200)

  const waits: number[] = []
  const stop = { isOver: false }
  const publishers = await Promise.all(
    Array.from({ length: crowd.publishers }, (_, index) => Client.login(port, `publisher ${index}`)),
  )
  child.send('begin')
  for (const publisher of publishers) publish(publisher, crowd.window, waits, stop)
  const trips: number[] = []
  const end = performance.now() + duration
  while (performance.now() < end) {
    const begun = performance.now()
    const back = new Promise<void>((resolve) => {
      bystander.onPacket = () => resolve()
    })
    bystander.send({ cmd: 'publish', topic: 'try/live', payload: '', qos: 0, dup: false, retain: false })
    await back
    trips.push(performance.now() - begun)
    await setTimeout(3)
  }
  stop.isOver = true
  const acknowledged = waits.length
  child.send('end')
  const [{ p99, max, cpu }] = await once(child, 'message')
  child.kill('SIGKILL')
  for (const client of [subscriber, bystander, ...publishers]) client.socket.destroy()
  return [
    (acknowledged / duration) * 1000,
    quantile(waits, 0.5),
    quantile(waits, 0.99),
    quantile(trips, 0.5),
    quantile(trips, 0.99),
    p99,
    max,
    cpu / acknowledged,
  ]
}

function publish(client: Client, window: number, waits: number[], stop: { isOver: boolean }): void {
  const sent = new Map<number, number>()
  let last = 0
  const next = () => {
    last = (last % 65_535) + 1
    sent.set(last, performance.now())
    const packet = {
      cmd: 'publish',
      topic: 'try/durable',
      payload: PAYLOAD,
      qos: 1,
      dup: false,
      retain: false,
    } as const
    client.send({ ...packet, messageId: last })
  }
  client.onPacket = ({ cmd, messageId = 0 }) => {
    if (cmd !== 'puback' || stop.isOver) return
    waits.push(performance.now() - (sent.get(messageId) ?? 0))
    sent.delete(messageId)
    next()
  }
  for (let count = 0; count < window; count++) next()
}

async function measureRestart(state: string, queued: number, retained: number): Promise<number[]> {
  await fill(state, queued, retained)
  const { child, port, memory, milliseconds } = await startBroker('thread', state)
  const client = await Client.login(port, 'session 1')
  const drained = performance.now()
  let received = 0
  const expected = queued / 10
  if (expected > 0) {
    await new Promise<void>((resolve) => {
      client.onPacket = ({ cmd, messageId }) => {
        if (cmd !== 'publish' || messageId === undefined) return
        client.send({ cmd: 'puback', messageId })
        if (++received === expected) resolve()
      }
    })
  }
  const drain = performance.now() - drained
  const asked = performance.now()
  const found = new Promise<void>((resolve) => {
    client.onPacket = ({ cmd }) => cmd === (retained > 0 ? 'publish' : 'suback') && resolve()
  })
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/+/49999', qos: 0 }] })
  await found
  const look = performance.now() - asked
  child.kill('SIGKILL')
  client.socket.destroy()
  return [milliseconds, memory / 2 ** 20, drain, look]
}

async function fill(directory: string, queued: number, retained: number): Promise<void> {
  const fail = (...reasons: readonly unknown[]) => {
    throw new Error(reasons.join())
  }
  const store = new SqliteStore(directory, { failing: fail, working: fail, damaged: fail })
  await store.load()
  const message = (topic: string) => ({ topic, payload: PAYLOAD, details: '{}' })
  const changes: Change[] = []
  for (let id = 1; id <= 10; id++) {
    const clientId = `session ${id}`
    const session = { id, clientId, username: 'try', expirySeconds: 1e6, endsAt: Date.now() + 1e9, sent: 0 }
    changes.push({ kind: 'session opened', session })
  }
  for (let number = 0; number < queued; number++) {
    const place = { session: 1 + (number % 10), sequence: 1 + Math.floor(number / 10), retain: false, identifiers: [] }
    const places = [{ ...place, qos: 1 as const, share: undefined, size: 367 }]
    changes.push({ kind: 'queued', message: message('try/durable'), places })
  }
  for (let number = 0; number < retained; number++) {
    const { topic, payload } = message(`try/${number % 100}/${number}`)
    const details = JSON.stringify({ cmd: 'publish', qos: 0, retain: true })
    changes.push({ kind: 'retained', message: { topic, payload, details }, size: 120 })
  }
  for (let index = 0; index < changes.length; index += 5_000) await store.write(changes.slice(index, index + 5_000))
  await store.close()
}

class Client {
  readonly socket: Socket
  onPacket: (packet: Packet) => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    const packets = parser()
    packets.on('packet', (packet) => this.onPacket(packet))
    socket.on('data', (bytes) => packets.parse(bytes))
    socket.on('error', () => {})
  }

  static async login(port: number, clientId: string): Promise<Client> {
    const client = new Client(connect({ port, host: '127.0.0.1', noDelay: true }))
    const answered = new Promise<void>((resolve) => {
      client.onPacket = () => resolve()
    })
    client.send({ cmd: 'connect', clientId, clean: false, protocolId: 'MQTT', protocolVersion: 4, keepalive: 0 })
    await answered
    return client
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet))
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * share)] ?? 0
}

async function write([loads = [], singles = [], restarts = []]: string[][][], rounds: number): Promise<void> {
  const { processor, cores, memory, system, kernel, node } = await describeMachine()
  const text = `# What durable messages cost

\`npm run bench:store\` measured this on ${new Date().toISOString().slice(0, 10)}: ${processor}, ${cores} cores (clients on the same ones), ${memory} GiB, ${system}, Linux ${kernel}, Node ${node}; load ${busy.toFixed(1)} before it began.

${CROWD.publishers} publishers with ${CROWD.window} unacknowledged QoS 1 messages of ${PAYLOAD.length} bytes each, one stored session that
receives all; a bystander sends QoS 0 messages to itself. Milliseconds, unless said otherwise; medians of ${rounds} rounds.
\`written\`: acknowledged without waiting for the sync (\`skerry:acknowledge\`).

${table(['store', 'sync slower by', 'messages/s', 'PUBACK p50', 'p99', 'QoS 0 round trip p50', 'p99', 'loop delay p99', 'max', 'CPU µs/message'], loads)}

One publisher that waits for each PUBACK before it sends the next message:

${table(['store', 'sync slower by', 'messages/s', 'PUBACK p50', 'p99'], singles)}

A start with what an earlier run has left, then the drain of one of ten queues and the look-up of one retained message with
a wildcard:

${table(['queued', 'retained', 'start', 'memory MiB', 'drain', 'look-up'], restarts)}
`
  const results = join(here, 'results')
  await mkdir(results, { recursive: true })
  await writeFile(join(results, 'store.md'), text)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---:')), ...rows.map(line)].join('\n')
}

await program.parseAsync()
