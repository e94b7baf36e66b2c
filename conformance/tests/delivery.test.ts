import assert from 'node:assert/strict'
import { lasting, payloads, publish, receive, receiveAll, subscribe, toPublish } from '../exchanges.ts'
import { statement } from '../suite.ts'
import type { Wire } from '../wire.ts'

const both = (id: string) => ({ 4: id, 5: id })

/** The next so many messages, not acknowledged. */
async function take(wire: Wire, count: number) {
  const packets = []
  for (let index = 0; index < count; index++) packets.push((await wire.expect('publish')).packet)
  return packets
}

const idsOf = (packets: Awaited<ReturnType<typeof take>>) => packets.map(({ messageId = 0 }) => messageId)

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
      for (let round = 0; round < 30; round++) {
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
  both('MQTT-4.4.0-1'),
  'sends again what is pending, in order, on a reconnect that keeps the session',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const [publisher, who] = [await login(), lasting(version, clientId())]
    const first = await login(who)
    await subscribe(first, topic, 2)
    const messages = Array.from(
      { length: 12 },
      (_, index) => ({ topic, qos: index % 2 === 0 ? 1 : 2, payload: `${index}` }) as const,
    )
    await publish(publisher, ...messages)
    const ids = idsOf(await take(first, 12))
    for (const index of [1, 5]) first.send({ cmd: 'pubrec', messageId: ids[index] ?? 0 })
    for (const index of [1, 5]) assert.equal((await first.expect('pubrel')).packet.messageId, ids[index])
    // Not by itself, as long as the connection stands.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await first.quiet()
    first.cut()
    await publish(publisher, { topic, qos: 1, payload: 'later' })
    const second = await login(who)
    const came: string[] = []
    for (let index = 0; index < 13; index++) {
      const { packet } = await second.next()
      if (packet.cmd === 'publish') came.push(`${packet.payload} ${packet.dup}`)
      else came.push(`${packet.cmd} ${ids.indexOf(packet.messageId ?? 0)}`)
    }
    const expected = messages.map(({ payload }, index) =>
      index === 1 || index === 5 ? `pubrel ${index}` : `${payload} true`,
    )
    const sorted = (lines: readonly string[], isRelease: boolean) =>
      lines.filter((line) => line.startsWith('pubrel') === isRelease)
    for (const isRelease of [false, true]) {
      assert.deepEqual(sorted(came, isRelease), sorted([...expected, 'later false'], isRelease))
    }
  },
)

statement(
  both('MQTT-4.4.0-1'),
  'sends nothing again on a reconnect that begins anew',
  async ({ topic, version, clientId, login }) => {
    const [publisher, who] = [await login(), lasting(version, clientId())]
    const first = await login(who)
    await subscribe(first, topic, 2)
    await publish(publisher, { topic, qos: 1 }, { topic, qos: 2 }, { topic, qos: 2 })
    const ids = idsOf(await take(first, 3))
    first.send({ cmd: 'pubrec', messageId: ids[1] ?? 0 })
    await first.expect('pubrel')
    first.cut()
    const second = await login({ ...who, clean: true })
    await subscribe(second, topic, 2)
    assert.deepEqual(payloads(await receiveAll(second, publisher, topic)), [])
  },
)

statement({ 5: 'MQTT-4.4.0-2' }, 'takes PUBACK and PUBREC with an error as the end of the message', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const reasonCode of [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
    const who = lasting(version, clientId(`${reasonCode}`))
    const first = await login(who)
    await subscribe(first, topic, 2)
    await publish(publisher, { topic, qos: 1 }, { topic, qos: 2 })
    const [one = 0, two = 0] = idsOf(await take(first, 2))
    first.send({ cmd: 'puback', messageId: one, reasonCode }, { cmd: 'pubrec', messageId: two, reasonCode })
    // No PUBREL.
    await first.quiet()
    first.cut()
    await (await login(who)).quiet()
  }
})

statement(both('MQTT-4.5.0-1'), 'gives a message to every session with a subscription that matches', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  const online: Wire[] = []
  const offline: ReturnType<typeof lasting>[] = []
  for (let index = 0; index < 12; index++) {
    const who = index % 2 === 0 ? {} : lasting(version, clientId(`${index}`))
    const wire = await login(who)
    const filter = [topic, '#', `${topic}/#`, '+'][index % 4] ?? ''
    await subscribe(wire, filter, index % 3 === 0 ? 2 : 1)
    if (index % 4 === 3) {
      wire.cut()
      offline.push(who)
    } else online.push(wire)
  }
  // The publisher itself is one of them.
  await subscribe(publisher, topic, 0)
  for (const qos of [1, 2] as const) {
    publisher.send(toPublish({ topic, qos, messageId: 1, payload: `${qos}` }))
    const own: string[] = []
    for (const _ of [1, 2]) own.push((await publisher.next()).packet.cmd)
    assert.deepEqual(own.sort(), ['publish', qos === 1 ? 'puback' : 'pubrec'].sort())
    if (qos === 1) continue
    publisher.send({ cmd: 'pubrel', messageId: 1 })
    await publisher.expect('pubcomp')
  }
  for (const who of offline) online.push(await login(who))
  const other = await login()
  for (const wire of online) {
    const got = await receiveAll(wire, other, topic)
    assert.deepEqual(
      payloads(got).filter((payload) => payload.length === 1),
      ['1', '2'],
    )
  }
})

statement(
  { 4: ['MQTT-4.6.0-5', 'MQTT-4.6.0-6'], 5: ['MQTT-4.6.0-5', 'MQTT-4.6.0-6'] },
  'keeps the order of each QoS: live, slowly read, queued and sent again',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const publisher = await login()
    const count = 300
    const numbers = Array.from({ length: count }, (_, index) => index)
    const who = lasting(version, clientId())
    const wires: Wire[] = [await login(), await login(who)]
    for (const wire of wires) await subscribe(wire, `${topic}/#`, 2)
    // In one go, of every QoS, some with more to do than others.
    publisher.send(
      ...numbers.map((index) =>
        toPublish({
          topic: `${topic}/${index % 4}`,
          qos: ([0, 1, 2] as const)[index % 3] ?? 0,
          messageId: 1 + index,
          retain: index % 7 === 0,
          payload: `${index}`,
        }),
      ),
    )
    const answers = { puback: [] as number[], pubrec: [] as number[] }
    for (let index = 0; index < (count / 3) * 2; index++) {
      const { packet } = await publisher.next()
      assert.ok(packet.cmd === 'puback' || packet.cmd === 'pubrec')
      answers[packet.cmd].push((packet.messageId ?? 0) - 1)
    }
    // [MQTT-4.6.0-2] and [MQTT-4.6.0-3] of the receiver, which the server is here.
    assert.deepEqual(
      answers.puback,
      numbers.filter((index) => index % 3 === 1),
    )
    assert.deepEqual(
      answers.pubrec,
      numbers.filter((index) => index % 3 === 2),
    )
    const ordered = (came: readonly number[], wanted: readonly number[]) => {
      for (const qos of [0, 1, 2]) {
        const of = (list: readonly number[]) => list.filter((index) => index % 3 === qos)
        assert.deepEqual(of(came), of(wanted), `QoS ${qos}`)
      }
    }
    const [passing, stored] = wires as [Wire, Wire]
    ordered(payloads(await receiveAll(passing, await login(), `${topic}/end`)).map(Number), numbers)
    // Of the second, only what it has taken before the connection is cut.
    const before: number[] = []
    while (before.length < 100) {
      const frame = await stored.next()
      if (frame.packet.cmd !== 'publish') continue
      before.push(Number(frame.packet.payload))
      const { qos, messageId = 0 } = frame.packet
      if (qos === 1 && before.length < 50) stored.send({ cmd: 'puback', messageId })
    }
    stored.cut()
    const after = payloads(await receiveAll(await login(who), await login(), `${topic}/end`)).map(Number)
    const again = after.filter((index) => index % 3 > 0)
    for (const qos of [1, 2]) {
      const of = (list: readonly number[]) => list.filter((index) => index % 3 === qos)
      assert.deepEqual(
        of(again),
        of(again).toSorted((a, b) => a - b),
        `QoS ${qos}`,
      )
      // With what was acknowledged, it is everything.
      assert.deepEqual(
        [...new Set([...of(before), ...of(again)])].toSorted((a, b) => a - b),
        of(numbers),
      )
    }
  },
)

statement(
  { 4: 'MQTT-4.6.0-6' },
  'sends PUBRELs in the order of the PUBRECs',
  async ({ topic, version, clientId, login }) => {
    const publisher = await login()
    for (const who of [{}, lasting(version, clientId())]) {
      const wire = await login(who)
      await subscribe(wire, topic, 2)
      await publish(
        publisher,
        ...Array.from({ length: 10 }, (_, index) => ({ topic, qos: 2 as const, payload: `${index}` })),
      )
      const ids = idsOf(await take(wire, 10))
      const answered = [3, 9, 0, 1, 8, 2, 7, 4, 6, 5].map((index) => ids[index] ?? 0)
      wire.send(...answered.map((messageId) => ({ cmd: 'pubrec', messageId }) as const))
      for (const messageId of answered) assert.equal((await wire.expect('pubrel')).packet.messageId, messageId)
    }
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
