import assert from 'node:assert/strict'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type IConnectPacket, type Packet, parser } from 'mqtt-packet'
import { publication } from '../test-support.ts'
import type { SystemCall } from './system-calls.ts'
import { stored } from './test-broker.ts'
import { cannotTrace, sentTo, startTracedBroker, type TracedBroker } from './traced-broker.ts'
import { UnsyncedDisk } from './unsynced-disk.ts'

/** What one client is sent after it has asked for something that must be kept; nothing else happens meanwhile. */
const steps: readonly (readonly [Packet, Packet['cmd']])[] = [
  [{ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/b', qos: 1 }] }, 'suback'],
  [{ ...publication, qos: 1, messageId: 2, payload: 'one' }, 'puback'],
  [{ ...publication, qos: 2, messageId: 3, payload: 'two' }, 'pubrec'],
  [{ cmd: 'pubrel', messageId: 3 }, 'pubcomp'],
  [{ ...publication, topic: 'try/retained', qos: 1, messageId: 4, retain: true, payload: 'kept' }, 'puback'],
  [{ cmd: 'unsubscribe', messageId: 5, unsubscriptions: ['try/b'] }, 'unsuback'],
]

for (const version of [4, 5] as const) {
  test(`MQTT ${version}: the sync ends before the acknowledgement leaves, as the system calls show`, {
    timeout: 120_000,
    skip: cannotTrace,
  }, async (t) => {
    const broker = await startTracedBroker(t)
    const away = await connect(broker, version, stored(version, 'away'))
    away.client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 2 }] })
    await away.client.next('suback')
    away.client.stream.end()
    await away.client.ended()
    const first = await connect(broker, version, stored(version, 'client'))
    first.client.stream.end()
    await first.client.ended()
    const { client, port, connack } = await connect(broker, version, stored(version, 'client'))
    assert.ok(connack.sessionPresent)
    for (const [packet, answer] of steps) {
      client.send(packet)
      await client.next(answer)
    }
    const calls = await broker.kill()
    show(t, calls, broker.directory, version, first.port, ['connack'])
    show(t, calls, broker.directory, version, port, ['connack', ...steps.map(([, answer]) => answer)])
  })
}

test('where it is enough that messages are written, nobody waits for the sync, which comes by itself', {
  timeout: 120_000,
  skip: cannotTrace,
}, async (t) => {
  const broker = await startTracedBroker(t, { SKERRY_ACKNOWLEDGE: 'written' })
  const warnings = broker.lines.filter(({ level }) => level === 40)
  assert.deepEqual(
    warnings.map(({ acknowledge }) => acknowledge),
    ['written'],
  )
  const { client, port } = await connect(broker, 4, stored(4, 'client'))
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/a', qos: 1 }] })
  await client.next('suback')
  const file = join(broker.directory, 'broker.sqlite-wal')
  // Of what was written when SUBACK left: whether it was synced then, and later.
  const find = (calls: readonly SystemCall[]) => {
    const disk = new UnsyncedDisk(broker.directory)
    let wasUnsynced = false
    for (const call of calls) {
      disk.apply(call)
      if (sentTo(port, call)[0] === 0x90) wasUnsynced = disk.isUnsynced(file)
    }
    return { wasUnsynced, isUnsynced: disk.isUnsynced(file) }
  }
  await broker.until((calls) => !find(calls).isUnsynced)
  assert.ok(find(await broker.kill()).wasUnsynced)
})

async function connect(broker: TracedBroker, version: 4 | 5, more: Partial<IConnectPacket>) {
  const { client, port } = await broker.login(version, more)
  return { client, port, connack: await client.next('connack') }
}

/** Holds that before each acknowledgement something was written and all of that synced, and prints the calls. */
function show(
  t: TestContext,
  calls: readonly SystemCall[],
  directory: string,
  version: 4 | 5,
  port: number,
  answers: readonly Packet['cmd'][],
): void {
  const disk = new UnsyncedDisk(directory)
  const file = join(directory, 'broker.sqlite-wal')
  const left = [...answers]
  const received: Packet[] = []
  const parsing = parser({ protocolVersion: version })
  parsing.on('packet', (packet) => received.push(packet))
  let before: string[] = []
  for (const call of calls) {
    disk.apply(call)
    if (call.target === file && call.name !== 'openat') before.push(`${call.name}(${basename(file)})`)
    const bytes = sentTo(port, call)
    if (bytes.length > 0) assert.ok(!disk.isUnsynced(file), `before the end of a sync left ${bytes.toString('hex')}`)
    parsing.parse(bytes)
    for (const { cmd } of received.splice(0)) {
      t.diagnostic(`${summary(before)}, ${call.name}(${cmd.toUpperCase()})`)
      assert.equal(cmd, left.shift())
      assert.ok(
        before.some((text) => text.startsWith('pwrite64')),
        `nothing was written before ${cmd}`,
      )
    }
    if (call.target.startsWith('TCP:')) before = []
  }
  assert.deepEqual(left, [])
}

/** Repetitions as a number. */
function summary(texts: readonly string[]): string {
  const counted: { text: string; count: number }[] = []
  for (const text of texts) {
    const last = counted.at(-1)
    if (last?.text === text) last.count++
    else counted.push({ text, count: 1 })
  }
  return counted.map(({ text, count }) => (count > 1 ? `${count} × ${text}` : text)).join(', ')
}
