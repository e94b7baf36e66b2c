import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import type { Packet } from 'mqtt-packet'
import { temporaryDirectory } from '../test-support.ts'
import { Publisher, Receiver } from './crash-clients.ts'
import type { Acknowledge } from './store.ts'
import type { SystemCall } from './system-calls.ts'
import { startStoreBroker, stored } from './test-broker.ts'
import { cannotTrace, decode, sentTo, startTracedBroker } from './traced-broker.ts'
import { type Loss, losses, UnsyncedDisk } from './unsynced-disk.ts'

/** At how many moments the power goes, for each version of MQTT. */
const cuts = Number(process.env.SKERRY_POWER_CUTS ?? 20)
/** Enough for the log to be written back into the database and to begin anew. */
const [messages, size] = [400, 1_000]
const timeout = 120_000 + cuts * 5_000

const names = ['online', 'offline', 'publisher-1', 'publisher-2'] as const
type Name = (typeof names)[number]

/** What the broker did in one life, and over which connections. */
interface Life {
  readonly version: 4 | 5
  readonly directory: string
  readonly calls: readonly SystemCall[]
  readonly ports: Readonly<Record<Name, number>>
}

for (const version of [4, 5] as const) {
  test(`MQTT ${version}: a power cut loses nothing that was acknowledged, whatever becomes of what was not synced`, {
    timeout,
    skip: cannotTrace,
  }, async (t) => {
    const life = await live(t, version, 'synced')
    let cut = 0
    for await (const { index, directory, loss } of powerCuts(t, life)) {
      cut++
      await recover(t, { ...life, calls: life.calls.slice(0, index + 1) }, directory, loss)
    }
    const kept = life.calls.filter(({ target }) => target.startsWith(join(life.directory, 'broker.sqlite')))
    const count = (wanted: string) => kept.filter(({ name }) => name === wanted).length
    const begun = kept.filter(({ target, name, number }) => /-wal$/.test(target) && name === 'pwrite64' && number === 0)
    assert.ok(begun.length > 1, 'the log began anew')
    t.diagnostic(`${cut} power cuts; ${count('pwrite64')} writes, ${count('fsync')} syncs, ${begun.length} logs`)
  })
}

test('where it is enough that messages are written, a power cut takes the last of them, leaves no gap and damages nothing', {
  timeout,
  skip: cannotTrace,
}, async (t) => {
  const life = await live(t, 5, 'written')
  for await (const { directory } of powerCuts(t, life)) {
    // It fails if the file is moved aside.
    const broker = await startStoreBroker(t, directory)
    await broker.crash()
    const database = new DatabaseSync(join(directory, 'broker.sqlite'))
    const check = database.prepare('PRAGMA integrity_check').get()
    const kept = database
      .prepare("SELECT sequence FROM queue JOIN session ON session.id = session WHERE client_id = 'offline' ORDER BY 1")
      .all()
    database.close()
    assert.deepEqual({ ...check }, { integrity_check: 'ok' })
    assert.deepEqual(
      kept.map(({ sequence }) => `${sequence}`),
      numbers(kept.length),
    )
  }
})

/** The files that are left of a life when the power goes, at some of its moments; `index` is of the last system call. */
async function* powerCuts(
  t: TestContext,
  life: Life,
): AsyncGenerator<{ readonly index: number; readonly directory: string; readonly loss: Loss }> {
  const parent = await temporaryDirectory(t)
  const disk = new UnsyncedDisk(life.directory)
  const moments = chooseMoments(life, cuts)
  let cut = 0
  for (const [index, call] of life.calls.entries()) {
    disk.apply(call)
    if (!moments.has(index)) continue
    const loss = losses[cut++ % losses.length] ?? 'none of it stays'
    const directory = join(parent, `${index}`)
    await disk.leave(directory, loss)
    yield { index, directory, loss }
  }
}

/** One life of the broker, from an empty directory to its end without a farewell. */
async function live(t: TestContext, version: 4 | 5, acknowledge: Acknowledge): Promise<Life> {
  const broker = await startTracedBroker(t, { SKERRY_ACKNOWLEDGE: acknowledge })
  const login = async (name: Name) => {
    const opened = await broker.login(version, stored(version, name, 600))
    await opened.client.next('connack')
    return opened
  }
  const subscribed = async (name: Name) => {
    const opened = await login(name)
    opened.client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 2 }] })
    await opened.client.next('suback')
    return opened
  }
  const offline = await subscribed('offline')
  offline.client.stream.end()
  await offline.client.ended()
  const online = await subscribed('online')
  const one = await login('publisher-1')
  const two = await login('publisher-2')
  const receiving = new Receiver().run(online.client)
  await Promise.all([
    new Publisher('try/one', 1, size).run(one.client, messages),
    new Publisher('try/two', 2, size).run(two.client, messages),
  ])
  const calls = await broker.kill()
  await receiving
  const ports = { online: online.port, offline: offline.port, 'publisher-1': one.port, 'publisher-2': two.port }
  return { version, directory: broker.directory, calls, ports }
}

/** Half of them anywhere, half of them around what seldom happens: names, syncs of the database, a log that begins anew. */
function chooseMoments({ calls, directory }: Life, count: number): Set<number> {
  const file = join(directory, 'broker.sqlite')
  const rare = [...calls.entries()].flatMap(([index, { name, target, number }]) => {
    const isRare =
      (target === file && name !== 'openat') ||
      (target.startsWith(file) && (name === 'ftruncate' || name === 'unlink')) ||
      (target === `${file}-wal` && number === 0) ||
      target === directory
    return isRare ? [index - 1, index, index + 1] : []
  })
  const moments = new Set<number>()
  for (let cut = 0; cut < count; cut++) {
    moments.add(cut % 2 === 0 ? randomInt(calls.length) : (rare[randomInt(rare.length)] ?? 0))
  }
  return moments
}

/** The clients as they are at the end of what the broker has done come back to a broker on what the disk has kept. */
async function recover(t: TestContext, life: Life, directory: string, loss: Loss): Promise<void> {
  const { version, calls, ports } = life
  const context = `cut after ${calls.length} calls, of what was not synced ${loss}`
  const packets = (name: Name) => decode(Buffer.concat(calls.map((call) => sentTo(ports[name], call))), version)
  const publishers = { one: new Publisher('try/one', 1, size), two: new Publisher('try/two', 2, size) }
  await publishers.one.run(replay(packets('publisher-1')), messages)
  await publishers.two.run(replay(packets('publisher-2')), messages)
  const receivers = { online: new Receiver(), offline: new Receiver() }
  await receivers.online.run(replay(packets('online')))

  const broker = await startStoreBroker(t, directory)
  const login = async (name: Name) => {
    const { client, connack } = await broker.login(version, stored(version, name, 600))
    const hadSession = packets(name).some(({ cmd }) => cmd === 'connack')
    assert.ok(connack.sessionPresent || !hadSession, `${context}: ${name} has no session`)
    return client
  }
  const clients = []
  for (const name of ['online', 'offline'] as const) {
    const client = await login(name)
    if (!packets(name).some(({ cmd }) => cmd === 'suback')) {
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 2 }] })
      await client.next('suback')
    }
    clients.push(receivers[name].run(client))
  }
  await publishers.one.run(await login('publisher-1'), 1)
  await publishers.two.run(await login('publisher-2'), 1)
  for (const [name, receiver] of Object.entries(receivers)) {
    await receiver.until('try/one', `${publishers.one.last}`)
    await receiver.until('try/two', `${publishers.two.last}`)
    const firsts = [...new Set(receiver.received.get('try/one'))]
    assert.deepEqual(firsts, numbers(publishers.one.last), `${context}: QoS 1 to ${name}`)
    assert.deepEqual(receiver.received.get('try/two'), numbers(publishers.two.last), `${context}: QoS 2 to ${name}`)
  }
  await broker.crash()
  await Promise.all(clients)
  const database = new DatabaseSync(join(directory, 'broker.sqlite'))
  try {
    assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' }, context)
    const retained = database.prepare('SELECT trim(CAST(payload AS TEXT)) payload FROM retained ORDER BY topic').all()
    assert.deepEqual(
      retained.map(({ payload }) => payload),
      [`${publishers.one.last}`, `${publishers.two.last}`],
      `${context}: retained`,
    )
  } finally {
    database.close()
  }
}

/** A connection over which all of it has come, and which is gone. */
function replay(packets: readonly Packet[]) {
  const left = packets.filter(({ cmd }) => cmd !== 'connack' && cmd !== 'suback')
  return { send: () => {}, any: async () => left.shift() }
}

function numbers(last: number): string[] {
  return Array.from({ length: last }, (_, index) => `${index + 1}`)
}
