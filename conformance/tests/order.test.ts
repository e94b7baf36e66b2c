import assert from 'node:assert/strict'
import { lasting, payloads, publish, receiveAll, subscribe, toPublish } from '../exchanges.ts'
import { statement } from '../suite.ts'
import { idsOf, take } from '../unacknowledged.ts'
import type { Wire } from '../wire.ts'

const both = (id: string) => ({ 4: id, 5: id })

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
    const expected = qos === 1 ? ['puback', 'publish'] : ['pubrec', 'publish', 'pubcomp']
    const own: string[] = []
    while (own.length < expected.length) {
      const { cmd } = (await publisher.next()).packet
      own.push(cmd)
      if (cmd === 'pubrec') publisher.send({ cmd: 'pubrel', messageId: 1 })
    }
    assert.deepEqual(own.sort(), expected.sort())
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
    const toRelease = answers.pubrec.map((index) => ({ cmd: 'pubrel', messageId: index + 1 }) as const)
    publisher.send(...toRelease)
    for (const { messageId } of toRelease) assert.equal((await publisher.expect('pubcomp')).packet.messageId, messageId)
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
    while (before.length < 15) {
      const frame = await stored.next()
      if (frame.packet.cmd !== 'publish') continue
      before.push(Number(frame.packet.payload))
      const { qos, messageId = 0 } = frame.packet
      if (qos === 1 && before.length < 8) stored.send({ cmd: 'puback', messageId })
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
