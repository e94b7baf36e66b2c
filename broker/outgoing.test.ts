import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet'
import type { Limits } from './limits.ts'
import { startStoreBroker, stored } from './store/test-broker.ts'
import { publication, type RawClient, temporaryDirectory } from './test-support.ts'

const timeout = 30_000
/** Of MQTT 5: one that ends with its connection, and one that does not. */
const sessions: [string, Partial<IConnectPacket>][] = [
  ['that ends with its connection', { clientId: 'receiver' }],
  ['that lasts', stored(5, 'receiver')],
]

async function start(t: TestContext, limits: Partial<Limits> = {}) {
  return startStoreBroker(t, await temporaryDirectory(t), limits)
}

function withProperties(session: Partial<IConnectPacket>, properties: IConnectPacket['properties']) {
  return { ...session, properties: { ...session.properties, ...properties } }
}

async function subscribe(client: RawClient, qos: 0 | 1 | 2): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'try/#', qos }] })
  await client.next('suback')
}

async function publish(client: RawClient, more: Partial<IPublishPacket>): Promise<void> {
  client.send({ ...publication, qos: 1, messageId: 1, ...more })
  await client.next('puback')
}

/** The messages that have come up to now; other packets still flow. */
async function receivedBy(client: RawClient): Promise<IPublishPacket[]> {
  client.send({ cmd: 'pingreq' })
  const messages = []
  for (;;) {
    const packet = await client.any()
    if (packet?.cmd === 'pingresp') return messages
    if (packet?.cmd === 'publish') messages.push(packet)
  }
}

function payloads(messages: readonly IPublishPacket[]): string[] {
  return messages.map(({ payload }) => String(payload))
}

for (const [name, session] of sessions) {
  describe(`MQTT 5: to a session ${name}`, { timeout }, () => {
    for (const [receiveMaximum, most] of [
      [1, 1],
      [3, 3],
      [undefined, 5],
    ] as const) {
      test(`no more go without acknowledgement than ${receiveMaximum ?? 'the broker allows itself'}`, async (t) => {
        const broker = await start(t, { unacknowledgedMessages: 5 })
        const limited = withProperties(session, receiveMaximum === undefined ? {} : { receiveMaximum })
        const { client } = await broker.login(5, limited)
        await subscribe(client, 2)
        const { client: publisher } = await broker.login(5)
        for (let number = 0; number < 8; number++) await publish(publisher, { payload: `${number}` })
        const first = await receivedBy(client)
        assert.deepEqual(payloads(first), ['0', '1', '2', '3', '4'].slice(0, most))
        // QoS 0 is not counted.
        publisher.send({ ...publication, payload: 'at once' })
        assert.equal(String((await client.next('publish')).payload), 'at once')
        client.send({ cmd: 'puback', messageId: first[0]?.messageId ?? 0 })
        assert.deepEqual(payloads(await receivedBy(client)), [`${most}`])
        client.send({ cmd: 'puback', messageId: 60_000 })
        assert.deepEqual(await receivedBy(client), [])
      })
    }

    test('a QoS 2 message counts until PUBCOMP, or until PUBREC refuses it', async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(5, withProperties(session, { receiveMaximum: 1 }))
      await subscribe(client, 2)
      const { client: publisher } = await broker.login(5)
      for (const messageId of [1, 2, 3]) {
        publisher.send({ ...publication, qos: 2, messageId, payload: `${messageId}` })
        await publisher.next('pubrec')
      }
      const { messageId: one = 0 } = await client.next('publish')
      client.send({ cmd: 'pubrec', messageId: one, reasonCode: 0 })
      assert.equal((await client.next('pubrel')).messageId, one)
      assert.deepEqual(await receivedBy(client), [])
      client.send({ cmd: 'pubcomp', messageId: one, reasonCode: 0 })
      const { payload, messageId: two = 0 } = await client.next('publish')
      assert.equal(String(payload), '2')
      client.send({ cmd: 'pubrec', messageId: two, reasonCode: 0x97 })
      const third = await client.any()
      assert.equal(third?.cmd === 'publish' && String(third.payload), '3')
      client.send({ cmd: 'pubrec', messageId: 60_000, reasonCode: 0 })
      const unknown = await client.next('pubrel')
      assert.deepEqual([unknown.messageId, unknown.reasonCode], [60_000, 0x92])
    })

    test('what is larger than it takes is left out and counts as sent', async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(5, withProperties(session, { maximumPacketSize: 100, receiveMaximum: 1 }))
      const { client: publisher } = await broker.login(5)
      // Fixed header 2, topic 2 + 5, properties 1; with QoS 1 the packet identifier 2.
      for (const [qos, rest] of [
        [0, 10],
        [1, 12],
      ] as const) {
        await subscribe(client, qos)
        for (const [payload, size] of [
          ['a', 101],
          ['b', 100],
          ['c', 101],
          ['d', 99],
        ] as const) {
          await publish(publisher, { payload: payload.repeat(size - rest) })
        }
        for (const expected of ['b', 'd']) {
          const { payload, messageId } = await client.next('publish')
          assert.equal(String(payload)[0], expected)
          if (messageId !== undefined) client.send({ cmd: 'puback', messageId })
        }
      }
      assert.deepEqual(await receivedBy(client), [])
    })

    test('aliases stand for topics that come again, as many as it takes', async (t) => {
      const broker = await start(t, { topicAliases: 5 })
      const { client } = await broker.login(5, withProperties(session, { topicAliasMaximum: 2 }))
      await subscribe(client, 1)
      const { client: publisher } = await broker.login(5)
      const seen = []
      for (const topic of ['try/a', 'try/b', 'try/a', 'try/c', 'try/a', 'try/b']) {
        await publish(publisher, { topic })
        const message = await client.next('publish')
        seen.push(`${message.topic} ${message.properties?.topicAlias}`)
        client.send({ cmd: 'puback', messageId: message.messageId ?? 0 })
      }
      // The third topic takes the alias that was not used for longest.
      assert.deepEqual(seen, ['try/a 1', 'try/b 2', ' 1', 'try/c 2', ' 1', 'try/b 2'])
    })

    test('aliases begin anew with each connection, and do not make a message too large', async (t) => {
      const broker = await start(t)
      const agreed = withProperties(session, { topicAliasMaximum: 1, maximumPacketSize: 30 })
      const { client: publisher } = await broker.login(5)
      for (let round = 0; round < 2; round++) {
        const { client } = await broker.login(5, agreed)
        await subscribe(client, 0)
        // 2 + 7 + 1 and, where there is room, the 3 of an alias.
        for (const [size, topic, alias] of [
          [20, 'try/a', undefined],
          [18, 'try/a', undefined],
          [17, 'try/a', 1],
          [22, '', 1],
        ] as const) {
          await publish(publisher, { payload: 'x'.repeat(size) })
          const message = await client.next('publish')
          assert.deepEqual([message.topic, message.properties?.topicAlias], [topic, alias])
        }
      }
    })
  })
}

describe('properties of a message', { timeout }, () => {
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    responseTopic: 'try/answers',
    correlationData: Buffer.from([0, 255, 1]),
    userProperties: { site: ['north', 'south'], a: 'b' },
  }
  const plain = (received: IPublishPacket['properties']) => {
    const { userProperties, ...others } = received ?? {}
    return { ...others, userProperties: { ...userProperties } }
  }

  test('arrive as they were sent: live, queued and retained, also after a restart; MQTT 3.1.1 gets none', async (t) => {
    const directory = await temporaryDirectory(t)
    const broker = await startStoreBroker(t, directory)
    const { client: live } = await broker.login(5)
    const { client: old } = await broker.login(4)
    const { client: away } = await broker.login(5, stored(5, 'away'))
    for (const client of [live, old, away]) await subscribe(client, 1)
    away.stream.end()
    await away.ended()
    const { client: publisher } = await broker.login(5)
    await publish(publisher, { payload: 'text', retain: true, properties })
    assert.deepEqual(plain((await live.next('publish')).properties), properties)
    assert.equal((await old.next('publish')).properties, undefined)
    await broker.crash()
    const again = await startStoreBroker(t, directory)
    const { client: back } = await again.login(5, stored(5, 'away'))
    const { client: late } = await again.login(5)
    await subscribe(late, 1)
    for (const client of [back, late]) assert.deepEqual(plain((await client.next('publish')).properties), properties)
  })
})

for (const version of [4, 5] as const) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a lasting session that comes back`, { timeout }, () => {
    const lasting = stored(version, 'receiver')

    test('gets what it did not acknowledge, in the old order with the old identifiers and DUP, then the rest', async (t) => {
      const broker = await start(t)
      const { client: first } = await broker.login(version, lasting)
      await subscribe(first, 2)
      const { client: publisher } = await broker.login(version)
      for (const qos of [1, 2, 2, 1] as const) {
        publisher.send({ ...publication, qos, messageId: 7, payload: `${qos}`, dup: true })
        await publisher.next(qos === 1 ? 'puback' : 'pubrec')
        if (qos === 1) continue
        publisher.send({ cmd: 'pubrel', messageId: 7 })
        await publisher.next('pubcomp')
      }
      const sent = [1, 2, 3, 4].map(() => first.next('publish'))
      const messages = []
      for (const next of sent) messages.push(await next)
      // The publisher's flag is its own [MQTT-3.3.1-3].
      assert.ok(messages.every(({ dup }) => !dup))
      const [, received] = messages
      first.send({ cmd: 'pubrec', messageId: received?.messageId ?? 0 })
      await first.next('pubrel')
      first.stream.end()
      await first.ended()
      await publish(publisher, { payload: 'new' })
      const { client: second } = await broker.login(version, lasting)
      const redelivered = []
      for (let count = 0; count < 5; count++) {
        const packet = await second.any()
        if (packet?.cmd === 'publish') redelivered.push(['publish', packet.messageId, packet.dup])
        else redelivered.push([packet?.cmd, packet?.messageId])
      }
      const [one, two, three, four] = messages.map(({ messageId }) => messageId)
      assert.deepEqual(redelivered.slice(0, 4), [
        ['publish', one, true],
        ['pubrel', two],
        ['publish', three, true],
        ['publish', four, true],
      ])
      assert.deepEqual([redelivered[4]?.[0], redelivered[4]?.[2]], ['publish', false])
      second.send({ cmd: 'pubcomp', messageId: two ?? 0 })
      for (const messageId of [one, four]) second.send({ cmd: 'puback', messageId: messageId ?? 0 })
      second.send({ cmd: 'pubrec', messageId: three ?? 0 })
      assert.equal((await second.next('pubrel')).messageId, three)
    })
  })
}
