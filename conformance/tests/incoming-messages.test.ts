import assert from 'node:assert/strict'
import { lasting, payloads, qualities, receiveAll, subscribe, toPublish } from '../exchanges.ts'
import { statement } from '../suite.ts'
import type { Wire } from '../wire.ts'

async function release(wire: Wire, messageId: number): Promise<void> {
  wire.send({ cmd: 'pubrel', messageId })
  assert.equal((await wire.expect('pubcomp')).packet.messageId, messageId)
}

const echoes = { 4: 'MQTT-4.3.2-2', 5: 'MQTT-4.3.2-4' }

statement(
  echoes,
  'answers each QoS 1 PUBLISH with a PUBACK of its identifier, the outermost ones too',
  async (scene) => {
    const { topic, login } = scene
    const publisher = await login()
    const ids = [1, 0xff, 0x100, 0x7fff, 0x8000, 0xffff]
    publisher.send(...ids.map((messageId) => toPublish({ topic, qos: 1, messageId })))
    for (const messageId of ids) assert.equal((await publisher.expect('puback')).packet.messageId, messageId)
  },
)

const isNew = { 4: 'MQTT-4.3.2-2', 5: 'MQTT-4.3.2-5' }
statement(
  isNew,
  'takes a QoS 1 PUBLISH after its PUBACK as a new one, despite its identifier and DUP',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 1)
    for (const who of [{}, lasting(version, clientId())]) {
      const wire = await login(who)
      for (const payload of ['first', 'second', 'second']) {
        wire.send(toPublish({ topic, qos: 1, messageId: 5, dup: payload !== 'first', payload }))
        await wire.expect('puback')
      }
      assert.deepEqual(payloads(await receiveAll(subscriber, publisher, topic)), ['first', 'second', 'second'])
    }
  },
)

statement(
  { 5: 'MQTT-4.3.3-9' },
  'takes the identifier of a refused QoS 2 PUBLISH as free',
  async ({ topic, version, clientId, login }) => {
    const subscriber = await login()
    await subscribe(subscriber, `try/${topic}`, 2)
    for (const who of [{}, lasting(version, clientId())]) {
      const publisher = await login(who, 'try')
      publisher.send(toPublish({ topic, qos: 2, messageId: 5, payload: 'refused' }))
      assert.equal((await publisher.expect('pubrec')).packet.reasonCode, 0x87)
      publisher.send(toPublish({ topic: `try/${topic}`, qos: 2, messageId: 5, payload: 'allowed', dup: true }))
      assert.equal((await publisher.expect('pubrec')).packet.reasonCode ?? 0, 0)
      publisher.send({ cmd: 'pubrel', messageId: 5 })
      assert.equal((await publisher.expect('pubcomp')).packet.reasonCode ?? 0, 0)
      assert.deepEqual(payloads(await receiveAll(subscriber, publisher, `try/${topic}`)), ['allowed'])
    }
  },
  { ours: true },
)

const once = { 4: 'MQTT-4.3.3-2', 5: ['MQTT-4.3.3-8', 'MQTT-4.3.3-10', 'MQTT-4.3.3-11', 'MQTT-4.3.3-12'] }
statement(
  once,
  'takes a QoS 2 message once however often it comes before PUBREL, and anew after that',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 2)
    for (const who of [{}, lasting(version, clientId())]) {
      const wire = await login(who)
      for (const payload of ['first', 'second']) {
        for (const dup of [false, true, true]) {
          wire.send(toPublish({ topic, qos: 2, messageId: 0xffff, dup, payload }))
          assert.equal((await wire.expect('pubrec')).packet.messageId, 0xffff)
        }
        // Also in one go with what ends it.
        wire.send(toPublish({ topic, qos: 2, messageId: 0xffff, dup: true, payload }), {
          cmd: 'pubrel',
          messageId: 0xffff,
        })
        await wire.expect('pubrec')
        assert.equal((await wire.expect('pubcomp')).packet.messageId, 0xffff)
      }
      assert.deepEqual(payloads(await receiveAll(subscriber, publisher, topic)), ['first', 'second'])
    }
  },
)

statement(once, 'takes a QoS 2 message once over several connections of a session', async (scene) => {
  const { topic, version, clientId, login } = scene
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic, 2)
  const who = lasting(version, clientId())
  for (const payload of ['first', 'second']) {
    for (let attempt = 0; attempt < 3; attempt++) {
      const wire = await login(who)
      wire.send(toPublish({ topic, qos: 2, messageId: 3, dup: attempt > 0, payload }))
      await wire.expect('pubrec')
      wire.cut()
    }
    const wire = await login(who)
    for (let attempt = 0; attempt < 2; attempt++) {
      wire.send({ cmd: 'pubrel', messageId: 3 })
      assert.equal((await wire.expect('pubcomp')).packet.messageId, 3)
    }
    wire.cut()
  }
  assert.deepEqual(payloads(await receiveAll(subscriber, publisher, topic)), ['first', 'second'])
})

statement(once, 'takes up no exchange of a session that has ended', async ({ topic, clientId, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic, 2)
  for (const payload of ['first', 'second']) {
    const wire = await login({ clientId: clientId() })
    wire.send(toPublish({ topic, qos: 2, messageId: 3, payload }))
    await wire.expect('pubrec')
    if (payload === 'second') await release(wire, 3)
    wire.cut()
  }
  // A server that forwards at PUBREL has never had to do so with the first one.
  const received = payloads(await receiveAll(subscriber, publisher, topic))
  assert.deepEqual(received.slice(-1), ['second'])
  assert.ok(received.length === 1 || received.join() === 'first,second', received.join())
})

statement(once, 'keeps many QoS 2 exchanges apart that end in another order', async ({ topic, login }) => {
  const [subscriber, publisher, wire] = [await login(), await login(), await login()]
  await subscribe(subscriber, topic, 0)
  const ids = Array.from({ length: 20 }, (_, index) => 20 + ((index * 7) % 20))
  wire.send(...ids.map((messageId) => toPublish({ topic, qos: 2, messageId, payload: `${messageId}` })))
  for (const messageId of ids) assert.equal((await wire.expect('pubrec')).packet.messageId, messageId)
  const released = ids.toSorted((a, b) => a - b)
  wire.send(...released.map((messageId) => ({ cmd: 'pubrel', messageId }) as const))
  for (const messageId of released) assert.equal((await wire.expect('pubcomp')).packet.messageId, messageId)
  // In the order of the PUBLISHes, or in that of the PUBRELs where they are what a server waits for.
  const received = payloads(await receiveAll(subscriber, publisher, topic)).map(Number)
  assert.ok([ids.join(), released.join()].includes(received.join()), received.join())
})

statement(
  { 5: 'MQTT-4.3.3-13' },
  'completes the exchange of a message that expires meanwhile',
  async ({ topic, login, version, clientId }) => {
    for (const who of [{}, lasting(version, clientId())]) {
      const wire = await login(who)
      wire.send(toPublish({ topic, qos: 2, messageId: 3, properties: { messageExpiryInterval: 1 } }))
      await wire.expect('pubrec')
      await new Promise((resolve) => setTimeout(resolve, 1_200))
      wire.send({ cmd: 'pubrel', messageId: 3 })
      const { packet } = await wire.expect('pubcomp')
      assert.deepEqual([packet.messageId, packet.reasonCode ?? 0], [3, 0])
    }
  },
)

const notQuiet = { 4: 'MQTT-4.3.3-2', 5: 'MQTT-4.3.3-10' }
statement(notQuiet, 'forwards a QoS 2 message to every QoS, once each', async ({ topic, login }) => {
  const publisher = await login()
  const subscribers = await Promise.all(qualities.map(() => login()))
  for (const [index, subscriber] of subscribers.entries()) await subscribe(subscriber, topic, qualities[index])
  publisher.send(
    toPublish({ topic, qos: 2, messageId: 1, payload: 'once' }),
    toPublish({ topic, qos: 2, messageId: 1, payload: 'once', dup: true }),
  )
  for (let count = 0; count < 2; count++) await publisher.expect('pubrec')
  await release(publisher, 1)
  const other = await login()
  for (const subscriber of subscribers) {
    assert.deepEqual(
      payloads(await receiveAll(subscriber, other, topic)).filter((payload) => payload === 'once'),
      ['once'],
    )
  }
})
