import assert from 'node:assert/strict'
import type { ISubscription } from 'mqtt-packet'
import { lasting, publish, qualities, receive, receiveKept, subscribe, unsubscribe } from '../exchanges.ts'
import { type Scene, statement } from '../suite.ts'
import type { Wire } from '../wire.ts'

const retained = { retain: true } as const

/** What a new subscriber of a filter gets, as `TOPIC PAYLOAD QOS RETAIN`, sorted. */
async function kept({ login, topic }: Scene, filter: string, publisher: Wire): Promise<readonly string[]> {
  const subscriber = await login()
  await subscribe(subscriber, filter, 2)
  const frames = await receiveKept(subscriber, publisher, `${topic}end`)
  return frames.map(({ packet: { topic: name, payload, qos, retain } }) => `${name} ${payload} ${qos} ${retain}`).sort()
}

const stores = { 4: 'MQTT-3.3.1-5', 5: 'MQTT-3.3.1-5' }
statement(
  stores,
  'keeps a retained message with its QoS, the last of each topic, for who subscribes later',
  async (scene) => {
    const { topic, login } = scene
    const publisher = await login()
    for (const qos of qualities) {
      await publish(publisher, { topic, ...retained, qos, payload: `first ${qos}` })
      assert.deepEqual(await kept(scene, topic, publisher), [`${topic} first ${qos} ${qos} true`])
      await publish(publisher, { topic, ...retained, qos, payload: `second ${qos}` })
      assert.deepEqual(await kept(scene, topic, publisher), [`${topic} second ${qos} ${qos} true`])
    }
    publisher.cut()
    assert.deepEqual(await kept(scene, topic, await login()), [`${topic} second 2 2 true`])
  },
)

statement({ 4: 'MQTT-3.3.1-6' }, 'sends the last retained message of every matching topic', async (scene) => {
  const { topic, login } = scene
  const publisher = await login()
  const names = ['a', 'a/b', 'a/b/c', 'a/', 'b', 'A', 'é']
  for (const payload of ['old', 'new']) {
    await publish(
      publisher,
      ...names.map((name) => ({ topic: `${topic}/${name}`, ...retained, qos: 1 as const, payload })),
    )
  }
  const found = async (filter: string) =>
    (await kept(scene, filter, publisher)).map((line) => line.slice(topic.length + 1))
  assert.deepEqual(await found(`${topic}/#`), names.map((name) => `${name} new 1 true`).sort())
  assert.deepEqual(
    await found(`${topic}/+`),
    ['A', 'a', 'b', 'é'].map((name) => `${name} new 1 true`),
  )
  assert.deepEqual(await found(`${topic}/a/+`), ['a/ new 1 true', 'a/b new 1 true'])
  assert.deepEqual(await found(`${topic}/+/b/#`), ['a/b new 1 true', 'a/b/c new 1 true'])
  assert.deepEqual(await found(`+/a/b/c`), ['a/b/c new 1 true'])
})

statement({ 4: 'MQTT-3.3.1-7' }, 'forgets the former retained message when one with QoS 0 comes', async (scene) => {
  const { topic, login } = scene
  const publisher = await login()
  for (const qos of [1, 2] as const) {
    await publish(publisher, { topic, ...retained, qos, payload: 'old' }, { topic, ...retained, payload: 'new' })
    // Whether the new one is kept is the server's choice.
    const found = await kept(scene, topic, publisher)
    assert.ok(found.length === 0 || found.join() === `${topic} new 0 true`, found.join())
  }
})

const live = { 4: ['MQTT-3.3.1-8', 'MQTT-3.3.1-9'], 5: 'MQTT-3.3.1-12' }
statement(live, 'sets RETAIN for who subscribes afterwards, and clears it for who had subscribed', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const granted of qualities) {
    const who = lasting(version, clientId(`${granted}`))
    const wires = [await login(), await login(who)]
    for (const wire of wires) await subscribe(wire, [{ topic: `${topic}/${granted}/#`, qos: granted, rap: false }])
    for (const qos of qualities) {
      await publish(publisher, { topic: `${topic}/${granted}/a`, ...retained, qos, payload: 'a' })
      for (const wire of wires) assert.equal((await receive(wire)).flags & 1, 0)
    }
    for (const wire of wires) await wire.quiet()
    wires[1]?.cut()
    await publish(publisher, { topic: `${topic}/${granted}/a`, ...retained, qos: 2, payload: 'a' })
    const back = await login(who)
    if (granted > 0) assert.equal((await receive(back)).flags & 1, 0)
    // From now on it is a new subscription, and the message comes because of it.
    await unsubscribe(back, `${topic}/${granted}/#`)
    await subscribe(back, [{ topic: `${topic}/${granted}/#`, qos: granted, rap: false }])
    assert.equal((await receive(back)).flags & 1, 1)
    await back.quiet()
  }
})

const asPublished = { 5: 'MQTT-3.3.1-13' }
statement(asPublished, 'leaves RETAIN as it was published, live and queued, for who asked for that', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const granted of qualities) {
    const who = lasting(version, clientId(`${granted}`))
    const wires = [await login(), await login(who)]
    const filter: ISubscription = { topic: `${topic}/${granted}`, qos: granted, rap: true }
    for (const wire of wires) await subscribe(wire, [filter])
    for (const qos of qualities) {
      for (const retain of [false, true]) {
        await publish(publisher, { topic: filter.topic, retain, qos, payload: 'a' })
        for (const wire of wires) assert.equal((await receive(wire)).flags & 1, Number(retain))
      }
    }
    for (const wire of wires) await wire.quiet()
    wires[1]?.cut()
    for (const retain of [false, true]) await publish(publisher, { topic: filter.topic, retain, qos: 2, payload: 'a' })
    const back = await login(who)
    if (granted === 0) continue
    for (const retain of [false, true]) assert.equal((await back.expect('publish')).flags & 1, Number(retain))
  }
})

const empty = { 4: ['MQTT-3.3.1-10', 'MQTT-3.3.1-11'], 5: ['MQTT-3.3.1-6', 'MQTT-3.3.1-7'] }
statement(empty, 'forwards an empty retained message, forgets what was kept, and keeps nothing', async (scene) => {
  const { topic, login } = scene
  const [publisher, subscriber] = [await login(), await login()]
  await subscribe(subscriber, topic, 2)
  for (const qos of qualities) {
    for (const isKept of [true, false]) {
      if (isKept) {
        await publish(publisher, { topic, ...retained, qos: 1, payload: 'kept' })
        await receive(subscriber)
      }
      await publish(publisher, { topic, ...retained, qos })
      const { packet, flags } = await receive(subscriber)
      assert.deepEqual([packet.payload.length, packet.qos, flags & 1], [0, qos, 0])
      assert.deepEqual(await kept(scene, topic, publisher), [])
    }
  }
})

const untouched = { 4: 'MQTT-3.3.1-12', 5: 'MQTT-3.3.1-8' }
statement(untouched, 'neither keeps a message without RETAIN nor forgets one for it', async (scene) => {
  const { topic, login } = scene
  const publisher = await login()
  for (const qos of qualities) {
    for (const payload of ['a', '']) {
      await publish(publisher, { topic, qos, payload })
      assert.deepEqual(await kept(scene, topic, publisher), [])
    }
  }
  await publish(publisher, { topic, ...retained, qos: 1, payload: 'kept' })
  for (const qos of qualities) {
    for (const payload of ['b', '']) {
      await publish(publisher, { topic, qos, payload })
      assert.deepEqual(await kept(scene, topic, publisher), [`${topic} kept 1 true`])
    }
  }
})
