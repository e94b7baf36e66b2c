import assert from 'node:assert/strict'
import { lasting, publish, receive, subscribe, toPublish } from '../exchanges.ts'
import { statement } from '../suite.ts'
import { idsOf, take } from '../unacknowledged.ts'

const fresh = { 4: 'MQTT-4.3.2-1', 5: ['MQTT-4.3.2-1', 'MQTT-4.3.2-2'] }

const fresh2 = { 4: 'MQTT-4.3.3-1', 5: ['MQTT-4.3.3-1', 'MQTT-4.3.3-2'] }

for (const [qos, ids] of [
  [1, fresh],
  [2, fresh2],
] as const) {
  statement(ids, 'gives each message an identifier of its own, while others are not acknowledged', async (scene) => {
    const { topic, version, clientId, login } = scene
    const publisher = await login()
    for (const who of [{}, lasting(version, clientId())]) {
      const wire = await login(who)
      await subscribe(wire, topic, qos)
      const inUse = new Set<number>()
      for (let round = 0; round < 15; round++) {
        await publish(publisher, { topic, qos, payload: `${round}` }, { topic, qos, payload: `${round}` })
        const packets = await take(wire, 2)
        for (const { messageId = 0, dup, qos: sent } of packets) {
          assert.ok(messageId > 0 && !inUse.has(messageId))
          assert.deepEqual([dup, sent], [false, qos])
          inUse.add(messageId)
        }
        const [, done = 0] = idsOf(packets)
        wire.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: done })
        if (qos === 2) {
          await wire.expect('pubrel')
          wire.send({ cmd: 'pubcomp', messageId: done })
        }
        inUse.delete(done)
      }
    }
  })
}

// Once, because it takes so many messages.
statement({ 5: fresh[5] }, 'goes on past the last identifier with none that is in flight', async ({ topic, login }) => {
  const [publisher, wire] = [await login(), await login()]
  await subscribe(wire, topic, 1)
  const unacknowledged: number[] = []
  const batch = Array.from({ length: 300 }, (_, index) =>
    toPublish({ topic, qos: 1, messageId: 1 + index, payload: 'a' }),
  )
  for (let received = 0; received < 66_000; received += batch.length) {
    publisher.send(...batch)
    for (const _ of batch) {
      const [id = 0] = idsOf(await take(wire, 1))
      assert.ok(id > 0 && !unacknowledged.includes(id))
      unacknowledged.push(id)
      if (unacknowledged.length > 10) wire.send({ cmd: 'puback', messageId: unacknowledged.shift() ?? 0 })
    }
    for (const _ of batch) await publisher.expect('puback')
  }
})

const pending = { 4: 'MQTT-4.3.2-1', 5: 'MQTT-4.3.2-3' }
statement(pending, 'holds a QoS 1 message until its PUBACK, over any number of connections', async (scene) => {
  const { topic, version, clientId, login } = scene
  const [publisher, who] = [await login(), lasting(version, clientId())]
  const first = await login(who)
  await subscribe(first, topic, 1)
  await publish(publisher, ...['a', 'b', 'c'].map((payload) => ({ topic, qos: 1 as const, payload })))
  const ids = idsOf(await take(first, 3))
  first.send({ cmd: 'puback', messageId: ids[1] ?? 0 })
  await first.quiet()
  first.cut()
  for (const _ of [1, 2]) {
    const wire = await login(who)
    const packets = await take(wire, 2)
    assert.deepEqual(idsOf(packets), [ids[0], ids[2]])
    assert.deepEqual(
      packets.map(({ payload }) => String(payload)),
      ['a', 'c'],
    )
    await wire.quiet()
    wire.cut()
  }
  const last = await login(who)
  await take(last, 2)
  for (const index of [0, 2]) last.send({ cmd: 'puback', messageId: ids[index] ?? 0 })
  await last.quiet()
  last.cut()
  await (await login(who)).quiet()
})

const released = {
  4: 'MQTT-4.3.3-1',
  5: ['MQTT-4.3.3-3', 'MQTT-4.3.3-4', 'MQTT-4.3.3-5', 'MQTT-4.3.3-6'],
}

statement(
  released,
  'holds a QoS 2 message until PUBREC, then PUBREL until PUBCOMP, and goes never back',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const [publisher, who] = [await login(), lasting(version, clientId())]
    let wire = await login(who)
    await subscribe(wire, topic, 2)
    await publish(publisher, ...['a', 'b', 'c'].map((payload) => ({ topic, qos: 2 as const, payload })))
    const ids = idsOf(await take(wire, 3))
    const [, second = 0, third = 0] = ids
    for (const _ of [1, 2]) {
      wire.cut()
      wire = await login(who)
      assert.deepEqual(idsOf(await take(wire, 3)), ids)
    }
    wire.send(
      { cmd: 'pubrec', messageId: second },
      { cmd: 'pubrec', messageId: third },
      { cmd: 'pubrec', messageId: second },
    )
    for (const messageId of [second, third, second])
      assert.equal((await wire.expect('pubrel')).packet.messageId, messageId)
    wire.send({ cmd: 'pubcomp', messageId: third })
    for (const _ of [1, 2]) {
      await wire.quiet()
      wire.cut()
      wire = await login(who)
      const [again] = await take(wire, 1)
      assert.deepEqual([again?.messageId, again?.dup, String(again?.payload)], [ids[0], true, 'a'])
      assert.equal((await wire.expect('pubrel')).packet.messageId, second)
    }
    wire.send({ cmd: 'pubcomp', messageId: second }, { cmd: 'pubrec', messageId: ids[0] ?? 0 })
    assert.equal((await wire.expect('pubrel')).packet.messageId, ids[0])
    wire.send({ cmd: 'pubcomp', messageId: ids[0] ?? 0 })
    await wire.quiet()
    wire.cut()
    await (await login(who)).quiet()
  },
)

statement(
  { 5: 'MQTT-4.3.3-7' },
  'lets no message expire that it has sent',
  async ({ topic, version, clientId, login }) => {
    const [publisher, who] = [await login(), lasting(version, clientId())]
    const first = await login(who)
    await subscribe(first, topic, 2)
    await publish(publisher, { topic, qos: 2, payload: 'sent', properties: { messageExpiryInterval: 1 } })
    const [id] = idsOf(await take(first, 1))
    first.cut()
    await new Promise((resolve) => setTimeout(resolve, 1_300))
    const again = await login(who)
    assert.deepEqual(idsOf(await take(again, 1)), [id])
    again.send({ cmd: 'pubrec', messageId: id ?? 0 })
    assert.equal((await again.expect('pubrel')).packet.messageId, id)
  },
)

statement(
  { 4: 'MQTT-4.3.3-1', 5: 'MQTT-4.3.3-4' },
  'answers PUBREC with PUBREL at once, though more messages wait',
  async ({ topic, login }) => {
    const [publisher, wire] = [await login(), await login()]
    await subscribe(wire, topic, 2)
    await publish(publisher, { topic, qos: 2, payload: 'a' }, { topic, qos: 2, payload: 'b' })
    for (const id of idsOf(await take(wire, 2))) {
      wire.send({ cmd: 'pubrec', messageId: id })
      const { bytes } = await wire.expect('pubrel')
      assert.equal((bytes[0] ?? 0) & 0x0f, 2)
    }
    await publish(publisher, { topic, qos: 1, payload: 'c' })
    await receive(wire)
  },
)
