import assert from 'node:assert/strict'
import {
  ask,
  closedBecause,
  lasting,
  packet,
  payloads,
  properties,
  publish,
  qualities,
  receive,
  receiveAll,
  receiveKept,
  subscribe,
  text,
} from '../exchanges.ts'
import { statement } from '../suite.ts'

const both = (id: string) => ({ 4: id, 5: id })

statement(
  both('MQTT-3.8.1-1'),
  'closes on a SUBSCRIBE with other flags than 0010, and takes nothing of it',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const publisher = await login()
    for (const flags of [0, 1, 3, 4, 6, 8, 10, 15]) {
      const who = lasting(version, clientId(`${flags}`))
      const wrong = await login(who)
      wrong.send(packet(`8${flags.toString(16)}`, '0001', properties(version), text(topic), '01'))
      await closedBecause(wrong, 0x81)
      await publish(publisher, { topic, qos: 1 })
      await (await login(who)).quiet()
    }
  },
)

const answered = { 4: ['MQTT-3.8.4-1', 'MQTT-3.8.4-2'], 5: ['MQTT-3.8.4-1', 'MQTT-3.8.4-2'] }
statement(
  answered,
  'answers each SUBSCRIBE with one SUBACK of its identifier, also without new subscriptions',
  async (scene) => {
    const { topic, version, login } = scene
    const wire = await login()
    const ids = [1, 0xff, 0x100, 0xffff, 2, 2]
    wire.send(
      ...ids.map((messageId) => ({
        cmd: 'subscribe' as const,
        messageId,
        subscriptions: [{ topic, qos: 0 as const }],
      })),
      packet('82', '0007', properties(version), text('not/allowed/#'), '00'),
    )
    for (const messageId of [...ids, 7]) assert.equal((await wire.expect('suback')).packet.messageId, messageId)
    await wire.quiet()
  },
)

const asOne = { 4: 'MQTT-3.8.4-4', 5: 'MQTT-3.8.4-5' }
statement(asOne, 'treats several filters like several SUBSCRIBEs, and answers once', async ({ topic, login }) => {
  const [publisher, wire] = [await login(), await login()]
  const names = ['a', 'b', 'c', 'd']
  for (const name of names) await publish(publisher, { topic: `${topic}/${name}`, retain: true, payload: 'kept' })
  await subscribe(
    wire,
    names.map((name, index) => ({ topic: `${topic}/${name}`, qos: qualities[index] ?? 1 })),
  )
  const kept = []
  for (const _ of names) kept.push((await wire.expect('publish')).packet.topic)
  assert.deepEqual(
    kept.sort(),
    names.map((name) => `${topic}/${name}`),
  )
  for (const [index, name] of names.entries()) {
    await publish(publisher, { topic: `${topic}/${name}`, qos: 2 })
    assert.equal((await receive(wire)).packet.qos, qualities[index] ?? 1)
  }
  await wire.quiet()
})

const oneCode = { 4: ['MQTT-3.8.4-5', 'MQTT-3.9.3-1'], 5: ['MQTT-3.8.4-6', 'MQTT-3.9.3-1'] }
statement(
  oneCode,
  'gives a code for each filter, in their order, however often one comes',
  async ({ topic, login }) => {
    const wire = await login()
    for (const names of [
      ['10', '9', 'a', '1', '2'],
      ['a', 'b', 'a', 'a', 'c'],
      ['__proto__', '3', '__proto__', 'constructor', '1'],
    ]) {
      const qos = [2, 0, 1, 2, 0] as const
      const subscriptions = names.map((name, index) => ({ topic: `${topic}/${name}`, qos: qos[index] ?? 0 }))
      assert.deepEqual((await ask(wire, subscriptions)).granted, qos)
      const bare = names.map((name, index) => ({ topic: name, qos: qos[index] ?? 0 }))
      assert.deepEqual((await ask(wire, bare)).granted, qos)
    }
  },
)

const refused = {
  4: ['MQTT-3.8.4-5', 'MQTT-3.9.3-1', 'MQTT-3.9.3-2'],
  5: ['MQTT-3.8.4-7', 'MQTT-3.9.3-1', 'MQTT-3.9.3-2'],
}

statement(
  refused,
  'refuses with a code that exists, at its place among those that are granted',
  async ({ topic, version, login }) => {
    const wire = await login({}, 'try')
    const denied = version === 5 ? 0x87 : 0x80
    const { granted } = await ask(wire, [
      { topic: `try/${topic}/2`, qos: 2 },
      { topic: `other/${topic}`, qos: 1 },
      { topic: `try/${topic}/1`, qos: 1 },
      { topic: '#', qos: 2 },
      { topic: `try/${topic}/0`, qos: 0 },
    ])
    assert.deepEqual(granted, [2, denied, 1, denied, 0])
    const publisher = await login()
    await publish(publisher, { topic: `other/${topic}` }, { topic: `try/${topic}/0` })
    assert.equal((await wire.expect('publish')).packet.topic, `try/${topic}/0`)
  },
  { ours: true },
)

const lower = { 4: 'MQTT-3.8.4-6', 5: 'MQTT-3.8.4-8' }
statement(
  lower,
  'delivers with the lower QoS of message and subscription: live, queued and retained',
  async (scene) => {
    const { version, clientId, login } = scene
    const publisher = await login()
    for (const granted of qualities) {
      const topic = `${scene.topic}/${granted}`
      const who = lasting(version, clientId(`${granted}`))
      const [passing, stored] = [await login(), await login(who)]
      for (const wire of [passing, stored]) await subscribe(wire, `${topic}/+`, granted)
      for (const qos of qualities) {
        await publish(publisher, { topic: `${topic}/a`, qos })
        for (const wire of [passing, stored]) assert.equal((await receive(wire)).packet.qos, Math.min(qos, granted))
      }
      await stored.quiet()
      stored.cut()
      for (const qos of qualities) {
        await publish(publisher, { topic: `${topic}/${qos}`, qos, retain: true, payload: `${qos}` })
      }
      const queued = await receiveAll(await login(who), publisher, `${topic}/end`)
      assert.deepEqual(
        queued.map(({ packet: { payload, qos } }) => `${payload} ${qos}`),
        qualities.filter((qos) => qos > 0 && granted > 0).map((qos) => `${qos} ${Math.min(qos, granted)}`),
      )
      const late = await login()
      await subscribe(late, `${topic}/+`, granted)
      const kept = await receiveKept(late, publisher, `${topic}/end/`)
      assert.deepEqual(
        kept.map(({ packet: { payload, qos } }) => `${payload} ${qos}`).sort(),
        qualities.map((qos) => `${qos} ${Math.min(qos, granted)}`),
      )
    }
  },
)

const reserved = { 4: 'MQTT-3-8.3-4', 5: 'MQTT-3.8.3-5' }
statement(reserved, 'closes on bits in the options that mean nothing, and takes nothing of it', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  const options = version === 4 ? ['03', '04', '08', '10', '40', '80', 'fd'] : ['03', '40', '80', 'c0', '41', '30']
  for (const option of options) {
    const who = lasting(version, clientId(option))
    const wrong = await login(who)
    wrong.send(packet('82', '0001', properties(version), text(topic), '01', text(`${topic}/a`), option))
    await closedBecause(wrong, 0x81, 0x82)
    await publish(publisher, { topic, qos: 1 })
    await (await login(who)).quiet()
  }
})

statement(
  { 5: 'MQTT-3.8.3-3' },
  'gives nobody with No Local what came under the same client identifier',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    for (const who of [{ clientId: clientId('a') }, lasting(version, clientId('b'))]) {
      const [wire, other] = [await login(who), await login()]
      await subscribe(wire, [{ topic, qos: 1, nl: true }])
      await subscribe(wire, [{ topic: `${topic}/+`, qos: 1, nl: false }])
      for (const qos of qualities) await publish(wire, { topic, qos, payload: 'own' })
      await publish(wire, { topic: `${topic}/a`, payload: 'own, wanted' })
      assert.equal(String((await receive(wire)).packet.payload), 'own, wanted')
      assert.deepEqual(payloads(await receiveAll(wire, other, topic)), [])
      await publish(other, { topic, qos: 2, payload: 'not own' })
      assert.equal(String((await receive(wire)).packet.payload), 'not own')
    }
    const who = lasting(version, clientId('c'))
    const first = await login(who)
    await subscribe(first, [{ topic, qos: 1, nl: true }])
    first.cut()
    const second = await login(who)
    await publish(second, { topic, qos: 1, payload: 'own' })
    second.cut()
    const [third, other] = [await login(who), await login()]
    assert.deepEqual(payloads(await receiveAll(third, other, topic)), [])
  },
)
