import assert from 'node:assert/strict'
import { lasting, packet, properties, publish, qualities, receive, receiveAll, subscribe, text } from '../exchanges.ts'
import { statement } from '../suite.ts'

const both = (id: string) => ({ 4: id, 5: id })

statement(both('MQTT-3.3.2-3'), 'forwards the topic, not the filter, and only to who asked for it', async (scene) => {
  const { topic, login } = scene
  const publisher = await login()
  const topics = ['a', 'a/b', 'a/b/c', 'b', 'ab', 'a/'].map((end) => `${topic}/${end}`)
  const expected: Record<string, readonly string[]> = {
    [`${topic}/a`]: [`${topic}/a`],
    [`${topic}/+`]: [`${topic}/a`, `${topic}/b`, `${topic}/ab`],
    [`${topic}/a/#`]: [`${topic}/a`, `${topic}/a/b`, `${topic}/a/b/c`, `${topic}/a/`],
    '+/a/b': [`${topic}/a/b`],
    [`${topic}/+/+`]: [`${topic}/a/b`, `${topic}/a/`],
    [`${topic}/+/b/#`]: [`${topic}/a/b`, `${topic}/a/b/c`],
  }
  for (const [filter, wanted] of Object.entries(expected)) {
    const subscriber = await login()
    await subscribe(subscriber, [
      { topic: filter, qos: 1 },
      { topic: `${topic}/end`, qos: 1 },
    ])
    await publish(publisher, ...topics.map((name) => ({ topic: name })))
    const received = await receiveAll(subscriber, publisher, `${topic}/end`)
    const names = received.map((frame) => frame.packet.topic).filter((name) => name.startsWith(topic))
    assert.deepEqual(names, wanted, filter)
  }
})

const overlapping = { 4: 'MQTT-3.3.5-1', 5: 'MQTT-3.3.4-2' }
statement(overlapping, 'serves overlapping subscriptions with the highest QoS, live and queued', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  const filters = [`${topic}/a`, `${topic}/+`, `${topic}/#`]
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [0, 2, 1],
  ] as const) {
    const who = lasting(version, clientId(order.join('')))
    const [passing, stored] = [await login(), await login(who)]
    const subscriptions = filters.map((filter, index) => ({ topic: filter, qos: order[index] ?? 0 }))
    for (const wire of [passing, stored]) await subscribe(wire, subscriptions)
    for (const qos of qualities) {
      await publish(publisher, { topic: `${topic}/a`, qos })
      for (const wire of [passing, stored]) {
        const copies = await receiveAll(wire, publisher, `${topic}/end`)
        const levels = copies.filter((copy) => copy.packet.topic === `${topic}/a`).map((copy) => copy.packet.qos)
        assert.equal(Math.max(...levels), qos)
      }
    }
    stored.cut()
    await publish(publisher, { topic: `${topic}/a`, qos: 2 })
    const back = await login(who)
    const copies = await receiveAll(back, publisher, `${topic}/b`)
    assert.equal(Math.max(...copies.map((copy) => copy.packet.qos)), 2)
  }
})

statement(both('MQTT-4.3.1-1'), 'sends with QoS 0: no packet identifier, no DUP, and no second time', async (scene) => {
  const { topic, version, login } = scene
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic, 0)
  for (const qos of qualities) {
    await publish(publisher, { topic, qos, payload: 'a' })
    const { bytes } = await subscriber.expect('publish')
    assert.equal(bytes.toString('hex'), packet('30', text(topic), properties(version), '61'))
  }
  await subscriber.quiet()
})

statement(both('MQTT-3.3.1-1'), 'sets DUP when it sends a message again, and only then', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const qos of [1, 2] as const) {
    const who = lasting(version, clientId(`${qos}`))
    const first = await login(who)
    await subscribe(first, topic, qos)
    await publish(publisher, { topic, qos, payload: 'a' }, { topic, qos, payload: 'b' })
    const sent = [await first.expect('publish'), await first.expect('publish')]
    for (const frame of sent) assert.equal(frame.flags & 0x08, 0)
    first.cut()
    // More than once, each time with DUP.
    for (let attempt = 0; attempt < 2; attempt++) {
      const again = await login(who)
      for (const { packet } of sent) {
        const frame = await again.expect('publish')
        assert.equal(frame.flags & 0x08, 0x08)
        assert.equal(frame.packet.messageId, packet.messageId)
        assert.deepEqual(frame.packet.payload, packet.payload)
      }
      again.cut()
    }
  }
})

statement(both('MQTT-3.3.1-2'), 'clears DUP in what it sends with QoS 0', async ({ topic, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic, 0)
  await publish(publisher, { topic, qos: 1, dup: true }, { topic, qos: 2, dup: true }, { topic })
  for (let count = 0; count < 3; count++) assert.equal((await subscriber.expect('publish')).flags, 0)
})

statement(both('MQTT-3.3.1-3'), "does not forward the publisher's DUP, live or queued", async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const qos of [1, 2] as const) {
    const who = lasting(version, clientId(`${qos}`))
    const subscriber = await login(who)
    const other = await login()
    await subscribe(subscriber, topic, qos)
    await subscribe(other, topic, qos)
    await publish(publisher, { topic, qos, dup: true })
    for (const wire of [subscriber, other]) assert.equal((await receive(wire)).flags & 0x08, 0)
    await subscriber.quiet()
    subscriber.cut()
    await publish(publisher, { topic, qos, dup: true })
    assert.equal((await receive(await login(who))).flags & 0x08, 0)
  }
})

statement(both('MQTT-3.3.1-4'), 'never sends QoS 3, whatever the message and the subscription have', async (scene) => {
  const { topic, login } = scene
  const [subscriber, publisher] = [await login(), await login()]
  for (const granted of qualities) {
    await subscribe(subscriber, topic, granted)
    for (const qos of qualities) {
      await publish(publisher, { topic, qos, retain: true })
      const { flags } = await receive(subscriber)
      assert.equal((flags >> 1) & 3, Math.min(qos, granted))
    }
    await publish(publisher, { topic, retain: true })
    await receive(subscriber)
  }
})

statement(both('MQTT-3.3.2-1'), 'forwards a topic name of any characters as it is', async ({ topic, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, `${topic}/#`, 0)
  const names = [' ', '/', 'é', 'é', '\ufeffa', '\u{1f40c}', '\uffff', '$a', '__proto__/constructor', '\u0001', 'ÅÅ']
  for (const name of names) {
    await publish(publisher, { topic: `${topic}/${name}` })
    const { packet, bytes } = await subscriber.expect('publish')
    assert.equal(packet.topic, `${topic}/${name}`)
    // It leads the variable header: right after the fixed header of two bytes.
    assert.equal(bytes.subarray(2).indexOf(Buffer.from(text(packet.topic), 'hex')), 0)
  }
})
