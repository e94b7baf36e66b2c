import assert from 'node:assert/strict'
import {
  closedBecause,
  lasting,
  packet,
  payloads,
  properties,
  publish,
  receive,
  receiveAll,
  subscribe,
  text,
  unsubscribe,
} from '../exchanges.ts'
import { statement } from '../suite.ts'

const both = (id: string) => ({ 4: id, 5: id })

statement(
  both('MQTT-3.10.1-1'),
  'closes on an UNSUBSCRIBE with other flags than 0010, and takes nothing of it',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const publisher = await login()
    for (const flags of [0, 1, 3, 4, 6, 8, 10, 15]) {
      const who = lasting(version, clientId(`${flags}`))
      const wrong = await login(who)
      await subscribe(wrong, topic, 1)
      wrong.send(packet(`a${flags.toString(16)}`, '0001', properties(version), text(topic)))
      await closedBecause(wrong, 0x81)
      await publish(publisher, { topic, qos: 1, payload: 'a' })
      assert.equal(String((await receive(await login(who))).packet.payload), 'a')
    }
  },
)

statement(both('MQTT-3.10.4-1'), 'removes the subscription with exactly this filter, and no other', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const who of [{}, lasting(version, clientId())]) {
    const wire = await login(who)
    const held = ['a', '#', '+', 'a/#', 'A', 'é', 'a/'].map((end) => `${topic}/${end}`)
    for (const filter of held) {
      await subscribe(wire, filter, 1)
      const others = [
        ...held.filter((other) => other !== filter),
        topic,
        `/${filter}`,
        `${topic}/ a`,
        `${topic}/e\u0301`,
        '#',
        '+/+',
      ]
      await unsubscribe(wire, ...others)
      const name = filter.replace('#', 'x').replace('+', 'y')
      await publish(publisher, { topic: name, qos: 1, payload: 'held' })
      assert.equal(String((await receive(wire)).packet.payload), 'held', filter)
      await unsubscribe(wire, filter)
      await publish(publisher, { topic: name, qos: 1, payload: 'gone' })
      await subscribe(wire, `${topic}end`, 1)
      assert.deepEqual(payloads(await receiveAll(wire, publisher, `${topic}end`)), [], filter)
    }
  }
})

statement(
  both('MQTT-3.10.4-2'),
  'adds nothing for a subscription that is gone: live, queued, or back later',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const publisher = await login()
    const who = lasting(version, clientId())
    const wire = await login(who)
    for (const qos of [0, 1, 2] as const) {
      await subscribe(wire, [
        { topic, qos },
        { topic: `${topic}/+`, qos: 1 },
      ])
      await unsubscribe(wire, topic)
      await publish(publisher, { topic, qos: 2, payload: 'gone' })
      assert.deepEqual(payloads(await receiveAll(wire, publisher, `${topic}/end`)), [])
    }
    await wire.quiet()
    wire.cut()
    await publish(publisher, { topic, qos: 2, payload: 'gone' })
    const back = await login(who)
    await publish(publisher, { topic, qos: 1, payload: 'gone' })
    assert.deepEqual(payloads(await receiveAll(back, publisher, `${topic}/end`)), [])
    // Again subscribed, it gets only what comes from now on.
    await subscribe(back, topic, 1)
    assert.deepEqual(payloads(await receiveAll(back, publisher, topic)), [])
  },
)

statement(
  both('MQTT-3.10.4-3'),
  'finishes what it has begun to deliver',
  async ({ topic, version, clientId, login }) => {
    const publisher = await login()
    for (const isCut of [false, true]) {
      const who = lasting(version, clientId(`${isCut}`))
      let wire = await login(who)
      await subscribe(wire, topic, 2)
      await publish(
        publisher,
        { topic, qos: 1, payload: 'one' },
        { topic, qos: 2, payload: 'two' },
        { topic, qos: 2, payload: 'three' },
      )
      const ids = []
      for (const _ of [1, 2, 3]) ids.push((await wire.expect('publish')).packet.messageId ?? 0)
      wire.send({ cmd: 'pubrec', messageId: ids[2] ?? 0 })
      await wire.expect('pubrel')
      await unsubscribe(wire, topic)
      if (isCut) {
        wire.cut()
        wire = await login(who)
        for (const index of [0, 1]) {
          const { packet: again } = await wire.expect('publish')
          assert.deepEqual([again.messageId, again.dup], [ids[index], true])
        }
        assert.equal((await wire.expect('pubrel')).packet.messageId, ids[2])
      }
      wire.send({ cmd: 'puback', messageId: ids[0] ?? 0 }, { cmd: 'pubrec', messageId: ids[1] ?? 0 })
      assert.equal((await wire.expect('pubrel')).packet.messageId, ids[1])
      wire.send({ cmd: 'pubcomp', messageId: ids[1] ?? 0 }, { cmd: 'pubcomp', messageId: ids[2] ?? 0 })
      await wire.quiet()
      wire.cut()
      await (await login(who)).quiet()
    }
  },
)

const answered = { 4: ['MQTT-3.10.4-4', 'MQTT-3.10.4-5'], 5: ['MQTT-3.10.4-4', 'MQTT-3.10.4-5'] }
statement(
  answered,
  'answers each UNSUBSCRIBE with one UNSUBACK of its identifier, also if there was nothing',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    for (const who of [{}, lasting(version, clientId())]) {
      const wire = await login(who)
      await subscribe(wire, topic)
      const ids = [1, 0xff, 0x100, 0xffff, 2, 2]
      wire.send(...ids.map((messageId) => ({ cmd: 'unsubscribe' as const, messageId, unsubscriptions: [topic] })))
      for (const messageId of ids) assert.equal((await wire.expect('unsuback')).packet.messageId, messageId)
      await wire.quiet()
    }
  },
)

statement(
  both('MQTT-3.10.4-6'),
  'treats several filters like several UNSUBSCRIBEs, and answers once',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const publisher = await login()
    for (const who of [{}, lasting(version, clientId())]) {
      const wire = await login(who)
      const held = ['a', 'b', 'c', 'd'].map((end) => `${topic}/${end}`)
      await subscribe(
        wire,
        held.map((filter) => ({ topic: filter, qos: 1 })),
      )
      await unsubscribe(wire, `${topic}/a`, `${topic}/x`, `${topic}/c`, `${topic}/c`, `${topic}/b`)
      await wire.quiet()
      await publish(publisher, ...held.map((name) => ({ topic: name, qos: 1 as const })))
      assert.equal((await receive(wire)).packet.topic, `${topic}/d`)
      await wire.quiet()
    }
  },
)

const codes = { 5: ['MQTT-3.11.3-1', 'MQTT-3.11.3-2'] }
statement(codes, 'tells for each filter, in their order, whether there was a subscription', async (scene) => {
  const { topic, version, clientId, login } = scene
  for (const who of [{}, lasting(version, clientId())]) {
    const wire = await login(who)
    await subscribe(
      wire,
      ['9', '1', '10', '__proto__'].map((end) => ({ topic: `${topic}/${end}`, qos: 1 as const })),
    )
    wire.send({
      cmd: 'unsubscribe',
      messageId: 1,
      unsubscriptions: ['x', '10', 'constructor', '1', '9', '9', '__proto__', 'x'].map((end) => `${topic}/${end}`),
    })
    const { granted } = (await wire.expect('unsuback')).packet
    assert.deepEqual(granted, [0x11, 0, 0x11, 0, 0, 0x11, 0, 0x11])
  }
})
