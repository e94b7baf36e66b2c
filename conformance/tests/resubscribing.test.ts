import assert from 'node:assert/strict'
import {
  ask,
  lasting,
  payloads,
  publish,
  receive,
  receiveAll,
  receiveKept,
  subscribe,
  unsubscribe,
} from '../exchanges.ts'
import { statement } from '../suite.ts'
import type { Wire } from '../wire.ts'

const retained = { retain: true } as const

/** Subscribes with a Retain Handling, and gives what that brings. */
async function handled(wire: Wire, publisher: Wire, topic: string, rh: 0 | 1 | 2): Promise<readonly string[]> {
  await subscribe(wire, [{ topic, qos: 1, rh }])
  return payloads(await receiveKept(wire, publisher, `${topic}end`))
}

statement({ 5: 'MQTT-3.3.1-9' }, 'sends retained messages at every SUBSCRIBE with Retain Handling 0', async (scene) => {
  const { topic, version, clientId, login } = scene
  const [publisher, who] = [await login(), lasting(version, clientId())]
  await publish(publisher, { topic, ...retained, payload: 'kept' })
  const wire = await login(who)
  for (const _ of [1, 2, 3]) assert.deepEqual(await handled(wire, publisher, topic, 0), ['kept'])
  wire.cut()
  const back = await login(who)
  // Not by itself, though.
  assert.deepEqual(payloads(await receiveAll(back, publisher, topic)), [])
  assert.deepEqual(await handled(back, publisher, topic, 0), ['kept'])
})

statement(
  { 5: 'MQTT-3.3.1-10' },
  'sends retained messages with Retain Handling 1 to a new subscription only',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const [publisher, who] = [await login(), lasting(version, clientId())]
    await publish(publisher, { topic, ...retained, payload: 'kept' })
    const wire = await login(who)
    assert.deepEqual(await handled(wire, publisher, topic, 1), ['kept'])
    assert.deepEqual(await handled(wire, publisher, topic, 1), [])
    await unsubscribe(wire, topic)
    assert.deepEqual(await handled(wire, publisher, topic, 1), ['kept'])
    wire.cut()
    const back = await login(who)
    assert.deepEqual(await handled(back, publisher, topic, 1), [])
    back.cut()
    const fresh = await login({ ...who, clean: true })
    assert.deepEqual(await handled(fresh, publisher, topic, 1), ['kept'])
  },
)

statement({ 5: 'MQTT-3.3.1-11' }, 'sends no retained message with Retain Handling 2', async ({ topic, login }) => {
  const publisher = await login()
  await publish(publisher, { topic, ...retained, payload: 'kept' })
  const wire = await login()
  for (const _ of [1, 2]) assert.deepEqual(await handled(wire, publisher, topic, 2), [])
  await unsubscribe(wire, topic)
  assert.deepEqual(await handled(wire, publisher, topic, 2), [])
})

const again = { 4: 'MQTT-3.8.4-3', 5: ['MQTT-3.8.4-3', 'MQTT-3.8.4-4'] }
statement(again, 'replaces a subscription: its QoS, no second copy, and the retained message again', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  await publish(publisher, { topic, ...retained, qos: 2, payload: 'kept' })
  for (const who of [{}, lasting(version, clientId())]) {
    const wire = await login(who)
    for (const qos of [0, 2, 1, 1, 0] as const) {
      await subscribe(wire, topic, qos)
      const first = await receive(wire)
      assert.deepEqual([String(first.packet.payload), first.flags & 1, first.packet.qos], ['kept', 1, qos])
      await publish(publisher, { topic, qos: 2, payload: 'live' })
      const second = await receive(wire)
      assert.deepEqual([String(second.packet.payload), second.flags & 1, second.packet.qos], ['live', 0, qos])
      await wire.quiet()
    }
    // One UNSUBSCRIBE ends it.
    await unsubscribe(wire, topic)
    await publish(publisher, { topic, qos: 2, payload: 'live' })
    await wire.quiet()
    assert.deepEqual((await ask(wire, [{ topic: `${topic}/end`, qos: 0 }])).granted, [0])
    assert.deepEqual(payloads(await receiveAll(wire, publisher, `${topic}/end`)), [])
  }
})

statement(again, 'loses no message while a subscription is replaced', async ({ topic, version, clientId, login }) => {
  const publisher = await login()
  for (const who of [{}, lasting(version, clientId())]) {
    const wire = await login(who)
    await subscribe(wire, topic, 1)
    const numbers = Array.from({ length: 100 }, (_, index) => `${index}`)
    const published = publish(publisher, ...numbers.map((payload) => ({ topic, qos: 1 as const, payload })))
    for (let messageId = 1; messageId <= 30; messageId++) {
      const qos = messageId % 2 === 0 ? 2 : 1
      wire.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos }] })
      await new Promise((resolve) => setImmediate(resolve))
    }
    await published
    wire.send({ cmd: 'unsubscribe', messageId: 31, unsubscriptions: [topic] })
    const received: string[] = []
    for (let frame = await wire.next(); frame.packet.cmd !== 'unsuback'; frame = await wire.next()) {
      const { cmd } = frame.packet
      assert.ok(cmd === 'publish' || cmd === 'suback')
      if (frame.packet.cmd !== 'publish') continue
      received.push(String(frame.packet.payload))
      wire.send({ cmd: 'puback', messageId: frame.packet.messageId ?? 0 })
    }
    assert.deepEqual(received, numbers)
  }
})
