import assert from 'node:assert/strict'
import { closedBecause, lasting, payloads, publish, qualities, receiveAll, subscribe, toPublish } from '../exchanges.ts'
import { statement } from '../suite.ts'
import type { Wire } from '../wire.ts'

const both = (id: string) => ({ 4: id, 5: id })

/** What each acknowledgement may say (MQTT 5, 3.4.2.1, 3.5.2.1, 3.6.2.1, 3.7.2.1). */
const ofPublish = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
const ofRelease = [0x00, 0x92]

function isOneOf(code: number | undefined, codes: readonly number[]): void {
  assert.ok(codes.includes(code ?? 0), `reason code ${code?.toString(16)}`)
}

statement(
  { 5: 'MQTT-3.4.2-1' },
  'gives PUBACK a reason that exists, for what is allowed and what is not',
  async (scene) => {
    const { topic, login } = scene
    const subscriber = await login()
    for (const user of ['admin', 'try'] as const) {
      const publisher = await login({}, user)
      publisher.send(toPublish({ topic, qos: 1, messageId: 1 }))
      const { reasonCode = 0 } = (await publisher.expect('puback')).packet
      isOneOf(reasonCode, ofPublish)
      assert.equal(reasonCode >= 0x80, user === 'try')
      await subscribe(subscriber, topic)
    }
  },
  { ours: true },
)

statement(
  { 5: 'MQTT-3.5.2-1' },
  'gives PUBREC a reason that exists, for what is allowed and what is not',
  async (scene) => {
    const { topic, login } = scene
    const subscriber = await login()
    for (const user of ['admin', 'try'] as const) {
      const publisher = await login({}, user)
      publisher.send(toPublish({ topic, qos: 2, messageId: 1 }))
      const { reasonCode = 0 } = (await publisher.expect('pubrec')).packet
      isOneOf(reasonCode, ofPublish)
      assert.equal(reasonCode >= 0x80, user === 'try')
      await subscribe(subscriber, topic)
    }
  },
  { ours: true },
)

statement(
  { 5: 'MQTT-3.6.2-1' },
  'gives PUBREL a reason that exists, also after a PUBREC for nothing',
  async (scene) => {
    const { topic, login } = scene
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 2)
    await publish(publisher, { topic, qos: 2 })
    const { messageId = 0 } = (await subscriber.expect('publish')).packet
    subscriber.send({ cmd: 'pubrec', messageId })
    assert.equal((await subscriber.expect('pubrel')).packet.reasonCode ?? 0, 0)
    const unknown = messageId === 7 ? 8 : 7
    subscriber.send({ cmd: 'pubrec', messageId: unknown })
    const { packet } = await subscriber.expect('pubrel')
    assert.equal(packet.messageId, unknown)
    assert.equal(packet.reasonCode, 0x92)
  },
)

statement(
  { 5: 'MQTT-3.7.2-1' },
  'gives PUBCOMP a reason that exists, also after a PUBREL for nothing',
  async (scene) => {
    const { topic, login, version, clientId } = scene
    for (const who of [{}, lasting(version, clientId())]) {
      const publisher = await login(who)
      publisher.send(toPublish({ topic, qos: 2, messageId: 9 }))
      await publisher.expect('pubrec')
      publisher.send({ cmd: 'pubrel', messageId: 9 })
      const completed = (await publisher.expect('pubcomp')).packet
      isOneOf(completed.reasonCode, ofRelease)
      assert.equal(completed.reasonCode ?? 0, 0)
      for (const messageId of [9, 10]) {
        publisher.send({ cmd: 'pubrel', messageId })
        const { packet } = await publisher.expect('pubcomp')
        assert.deepEqual([packet.messageId, packet.reasonCode], [messageId, 0x92])
      }
    }
  },
)

// The answer to CONNECT has to fit, too.
const short = { clientId: 'x', properties: { maximumPacketSize: 60 } }
const long = 'x'.repeat(100)

/** Reason String and User Properties are longer than what is left: an answer comes, and within the limit. */
async function answersWithin(
  wire: Wire,
  limit: number,
  kind: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp' | 'suback' | 'unsuback',
) {
  const { bytes, packet } = await wire.expect(kind)
  assert.ok(bytes.length <= limit, `${kind} has ${bytes.length} bytes`)
  return packet
}

const inPuback = { 5: ['MQTT-3.4.2-2', 'MQTT-3.4.2-3'] }
statement(inPuback, 'leaves out of PUBACK what does not fit', async ({ topic, login }) => {
  const publisher = await login(short, 'try')
  publisher.send(toPublish({ topic: `${topic}/${long}`, qos: 1, messageId: 1 }))
  await answersWithin(publisher, 60, 'puback')
})

const inPubrec = { 5: ['MQTT-3.5.2-2', 'MQTT-3.5.2-3'] }
statement(inPubrec, 'leaves out of PUBREC what does not fit', async ({ topic, login }) => {
  const publisher = await login(short, 'try')
  publisher.send(toPublish({ topic: `${topic}/${long}`, qos: 2, messageId: 1 }))
  await answersWithin(publisher, 60, 'pubrec')
})

const inPubrel = { 5: ['MQTT-3.6.2-2', 'MQTT-3.6.2-3'] }
statement(inPubrel, 'leaves out of PUBREL what does not fit', async ({ topic, login }) => {
  const [subscriber, publisher] = [await login(short), await login()]
  await subscribe(subscriber, topic, 2)
  await publish(publisher, { topic, qos: 2 })
  const { messageId = 0 } = (await subscriber.expect('publish')).packet
  for (const id of [messageId, messageId === 1 ? 2 : 1]) {
    subscriber.send({ cmd: 'pubrec', messageId: id, reasonCode: 0, properties: { reasonString: long } })
    await answersWithin(subscriber, 60, 'pubrel')
  }
})

const inPubcomp = { 5: ['MQTT-3.7.2-2', 'MQTT-3.7.2-3'] }
statement(inPubcomp, 'leaves out of PUBCOMP what does not fit', async ({ topic, login }) => {
  const publisher = await login(short)
  publisher.send(toPublish({ topic: `${topic}/${long}`, qos: 2, messageId: 1 }))
  await publisher.expect('pubrec')
  for (const messageId of [1, 2]) {
    publisher.send({ cmd: 'pubrel', messageId, reasonCode: 0, properties: { reasonString: long } })
    await answersWithin(publisher, 60, 'pubcomp')
  }
})

const inSuback = { 5: ['MQTT-3.9.2-1', 'MQTT-3.9.2-2'] }
statement(inSuback, 'leaves out of SUBACK what does not fit', async ({ topic, login }) => {
  const subscriber = await login(short, 'try')
  subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${topic}/${long}`, qos: 0 }] })
  await answersWithin(subscriber, 60, 'suback')
})

const inUnsuback = { 5: ['MQTT-3.11.2-1', 'MQTT-3.11.2-2'] }
statement(inUnsuback, 'leaves out of UNSUBACK what does not fit', async ({ topic, login }) => {
  const subscriber = await login(short, 'try')
  subscriber.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [`${topic}/${long}`] })
  await answersWithin(subscriber, 60, 'unsuback')
})

statement(
  both('MQTT-3.6.1-1'),
  'closes on a PUBREL with other flags than 0010, and does not take it',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 2)
    for (const flags of [0, 1, 3, 4, 6, 8, 10, 15]) {
      const who = lasting(version, clientId(`${flags}`))
      const wrong = await login(who)
      wrong.send(toPublish({ topic, qos: 2, messageId: 1, payload: `flags ${flags}` }))
      await wrong.expect('pubrec')
      wrong.send(Buffer.from([0x60 | flags, 2, 0, 1]))
      await closedBecause(wrong, 0x81)
      // The exchange is still open: the same packet again is no new message.
      const again = await login(who)
      again.send(toPublish({ topic, qos: 2, messageId: 1, payload: `flags ${flags}`, dup: true }))
      await again.expect('pubrec')
    }
    const received = payloads(await receiveAll(subscriber, publisher, topic))
    assert.deepEqual(
      received,
      [0, 1, 3, 4, 6, 8, 10, 15].map((flags) => `flags ${flags}`),
    )
  },
)

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
        for (const dup of [false, true, false, true]) {
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
    wire.cut()
  }
  assert.deepEqual(payloads(await receiveAll(subscriber, publisher, topic)), ['first', 'second'])
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
  assert.deepEqual(payloads(await receiveAll(subscriber, publisher, topic)), ids.map(String))
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
  const other = await login()
  for (const subscriber of subscribers) {
    assert.deepEqual(
      payloads(await receiveAll(subscriber, other, topic)).filter((payload) => payload === 'once'),
      ['once'],
    )
  }
})
