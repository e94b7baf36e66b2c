import assert from 'node:assert/strict'
import { closedBecause, lasting, payloads, publish, receiveAll, subscribe, toPublish } from '../exchanges.ts'
import { isOurs, statement } from '../suite.ts'
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
    // What is said to a mistake is left open.
    if (!isOurs) return
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
      if (!isOurs) return
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

const wrong = [
  { qos: 1, with: 'pubrec' },
  { qos: 1, with: 'pubcomp' },
  { qos: 2, with: 'puback' },
  { qos: 2, with: 'pubcomp' },
] as const

for (const { qos, with: cmd } of wrong) {
  const held = qos === 1 ? 'MQTT-4.3.2-3' : 'MQTT-4.3.3-3'
  statement(
    { 4: ['MQTT-4.3.3-1', 'MQTT-4.8.0-1'], 5: [held, 'MQTT-4.13.1-1'] },
    `takes no ${cmd.toUpperCase()} for the answer to a message with QoS ${qos}: closes, and sends it again`,
    async ({ topic, login, clientId, version }) => {
      const session = lasting(version, clientId())
      const [subscriber, publisher] = [await login(session), await login()]
      await subscribe(subscriber, topic, qos)
      await publish(publisher, { topic, qos, payload: 'kept' })
      const { messageId = 0 } = (await subscriber.expect('publish')).packet
      subscriber.send({ cmd, messageId })
      await closedBecause(subscriber, 0x82)
      const { packet } = await (await login(session)).expect('publish')
      assert.deepEqual([packet.messageId, packet.dup, String(packet.payload)], [messageId, true, 'kept'])
    },
  )
}

statement(
  { 4: ['MQTT-4.3.3-1', 'MQTT-4.8.0-1'], 5: ['MQTT-4.3.3-5', 'MQTT-4.13.1-1'] },
  'takes no PUBACK for the answer to PUBREL: closes, and sends it again',
  async ({ topic, login, clientId, version }) => {
    const session = lasting(version, clientId())
    const [subscriber, publisher] = [await login(session), await login()]
    await subscribe(subscriber, topic, 2)
    await publish(publisher, { topic, qos: 2 })
    const { messageId = 0 } = (await subscriber.expect('publish')).packet
    subscriber.send({ cmd: 'pubrec', messageId })
    await subscriber.expect('pubrel')
    subscriber.send({ cmd: 'puback', messageId })
    await closedBecause(subscriber, 0x82)
    assert.equal((await (await login(session)).expect('pubrel')).packet.messageId, messageId)
  },
)

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
      again.send({ cmd: 'pubrel', messageId: 1 })
      await again.expect('pubcomp')
    }
    const received = payloads(await receiveAll(subscriber, publisher, topic))
    assert.deepEqual(
      received,
      [0, 1, 3, 4, 6, 8, 10, 15].map((flags) => `flags ${flags}`),
    )
  },
)
