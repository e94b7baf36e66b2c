import assert from 'node:assert/strict'
import { lasting, publish, qualities, receive, receiveAll, subscribe, valuesOf } from '../exchanges.ts'
import { statement } from '../suite.ts'

const identifiers = { 5: ['MQTT-3.3.4-3', 'MQTT-3.3.4-4', 'MQTT-3.3.4-5'] }

statement(
  identifiers,
  'sends the identifiers of all subscriptions that match, together or one with each copy',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const publisher = await login()
    const who = lasting(version, clientId())
    const wires = [await login(), await login(who)]
    for (const wire of wires) {
      await subscribe(wire, `${topic}/a`, 0, { subscriptionIdentifier: 1 })
      await subscribe(wire, `${topic}/+`, 1, { subscriptionIdentifier: 268_435_455 })
      await subscribe(wire, `${topic}/#`, 2, { subscriptionIdentifier: 7 })
      await subscribe(wire, `${topic}/a/#`, 2)
      await subscribe(wire, `${topic}/b`, 2, { subscriptionIdentifier: 9 })
      await subscribe(wire, `${topic}end`, 1)
    }
    const check = async (wire: (typeof wires)[number]) => {
      const frames = await receiveAll(wire, publisher, `${topic}end`)
      const copies = frames
        .filter(({ packet: { topic: name } }) => name === `${topic}/a`)
        .map((frame) => valuesOf(frame, 'Subscription Identifier'))
      const all = copies
        .flat()
        .map(Number)
        .sort((a, b) => a - b)
      assert.deepEqual(all, [1, 7, 268_435_455])
      assert.ok(copies.length === 1 || copies.every((copy) => copy.length <= 1))
    }
    for (const qos of qualities) {
      await publish(publisher, { topic: `${topic}/a`, qos })
      for (const wire of wires) await check(wire)
    }
    await wires[1]?.quiet()
    wires[1]?.cut()
    await publish(publisher, { topic: `${topic}/a`, qos: 2 })
    await check(await login(who))
  },
)

statement(identifiers, 'takes the identifier of a subscription that is renewed, or none', async ({ topic, login }) => {
  const [publisher, wire] = [await login(), await login()]
  await publish(publisher, { topic, retain: true, payload: 'kept' })
  for (const identifier of [5, 6, undefined, 7]) {
    await subscribe(wire, topic, 1, identifier === undefined ? undefined : { subscriptionIdentifier: identifier })
    const wanted = identifier === undefined ? [] : [identifier]
    assert.deepEqual(valuesOf(await receive(wire), 'Subscription Identifier'), wanted)
    await publish(publisher, { topic, qos: 1, payload: 'live' })
    assert.deepEqual(valuesOf(await receive(wire), 'Subscription Identifier'), wanted)
  }
})
