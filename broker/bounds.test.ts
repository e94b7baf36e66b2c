import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { describe, test } from 'node:test'
import { connect, connectPacket, publication, RawClient, startTestBroker } from './test-support.ts'

const timeout = 20_000
const versions = [4, 5] as const

for (const version of versions) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: at the limit all is well, beyond it not`, { timeout }, () => {
    test('half-open QoS 2 publishes', async (t) => {
      const broker = await startTestBroker(t, { halfOpenQoS2: 20 })
      const client = await RawClient.login(t, broker, version)
      for (let messageId = 1; messageId <= 20; messageId++) {
        client.send({ ...publication, qos: 2, messageId })
        await client.next('pubrec')
      }
      client.send({ cmd: 'pubrel', messageId: 1 })
      await client.next('pubcomp')
      client.send({ ...publication, qos: 2, messageId: 21 })
      await client.next('pubrec')
      client.send({ ...publication, qos: 2, messageId: 22 })
      await client.ended()
    })

    test('the size of a packet', async (t) => {
      const broker = await startTestBroker(t, { packetSize: 1_024 })
      const client = await RawClient.login(t, broker, version)
      // Fixed header 3, topic 2 + 5, packet identifier 2, properties 1.
      const rest = version === 5 ? 13 : 12
      const sized = (size: number) => ({
        ...publication,
        qos: 1 as const,
        messageId: 1,
        payload: Buffer.alloc(size - rest),
      })
      client.send(sized(1_024))
      await client.next('puback')
      client.send(sized(1_025))
      const last = (await client.ended()).at(-1)
      assert.equal(last?.cmd === 'disconnect' ? last.reasonCode : undefined, version === 5 ? 0x95 : undefined)
    })

    test('the size of the first packet, before it has arrived', async (t) => {
      const broker = await startTestBroker(t, { connectPacketSize: 1_000, connectTimeout: 60_000 })
      const small = await RawClient.openTls(t, broker, version)
      small.send(connectPacket(version, { username: 'try', password: Buffer.alloc(900) }))
      await small.next('connack')
      for (const announced of [
        [0x10, 0xe9, 0x07],
        [0x10, 0xff, 0xff, 0xff, 0x7f],
      ]) {
        const large = await RawClient.open(t, broker, version)
        large.stream.write(Buffer.from(announced))
        await large.ended()
      }
    })

    test('the subscriptions of a client', async (t) => {
      const broker = await startTestBroker(t, { subscriptionsPerClient: 5 })
      const client = await RawClient.login(t, broker, version)
      const subscribe = async (...topics: string[]) => {
        client.send({ cmd: 'subscribe', messageId: 7, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) })
        return (await client.next('suback')).granted
      }
      assert.deepEqual(await subscribe(...[1, 2, 3, 4, 5].map((n) => `try/${n}`)), [0, 0, 0, 0, 0])
      assert.deepEqual(await subscribe('try/6'), [version === 5 ? 0x97 : 0x80])
      assert.deepEqual(await subscribe('try/5'), [0])
      client.send({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: ['try/5'] })
      await client.next('unsuback')
      assert.deepEqual(await subscribe('try/6'), [0])
      await assert.rejects(subscribe(...[1, 2, 3, 4, 5, 6].map((n) => `try/${n}`)))
    })

    test('the length of a topic', async (t) => {
      const broker = await startTestBroker(t, { topicLength: 10 })
      const client = await RawClient.login(t, broker, version)
      const topics = ['try/567890', 'try/5678901']
      client.send({ cmd: 'subscribe', messageId: 7, subscriptions: topics.map((topic) => ({ topic, qos: 0 })) })
      assert.deepEqual((await client.next('suback')).granted, [0, version === 5 ? 0x8f : 0x80])
    })

    test('the messages that wait for a session', async (t) => {
      const broker = await startTestBroker(t, { queuedMessagesPerSession: 3 })
      const session = {
        clientId: 'away',
        clean: false,
        ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}),
      }
      const away = await RawClient.login(t, broker, version, session)
      away.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/a', qos: 1 }] })
      await away.next('suback')
      away.stream.end()
      await away.ended()
      const publisher = await RawClient.login(t, broker, version)
      for (const payload of ['1', '2', '3', '4']) {
        publisher.send({ ...publication, qos: 1, messageId: 1, payload })
        await publisher.next('puback')
      }
      publisher.send({ cmd: 'pingreq' })
      await publisher.next('pingresp')
      const back = await RawClient.login(t, broker, version, session)
      const received = []
      for (let count = 0; count < 3; count++) {
        const { payload, messageId = 0 } = await back.next('publish')
        received.push(String(payload))
        back.send({ cmd: 'puback', messageId })
      }
      publisher.send({ ...publication, payload: 'live' })
      received.push(String((await back.next('publish')).payload))
      assert.deepEqual(received, ['1', '2', '3', 'live'])
      assert.equal(broker.lines.filter(({ msg }) => msg === 'limited').length, 1)
    })

    test('the sessions of a user: the oldest stored one makes room, live ones do not', async (t) => {
      const broker = await startTestBroker(t, { sessionsPerUser: 2 })
      const stored = { clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}) }
      const leave = async (clientId: string) => {
        const client = await RawClient.login(t, broker, version, { ...stored, clientId })
        client.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/a', qos: 1 }] })
        await client.next('suback')
        client.stream.end()
        await client.ended()
      }
      await leave('first')
      await leave('second')
      await RawClient.login(t, broker, version, { clientId: 'third' })
      for (const [clientId, isKept] of [
        ['second', true],
        ['first', false],
      ] as const) {
        const client = await RawClient.openTls(t, broker, version)
        client.send(connectPacket(version, { ...stored, clientId }))
        const { sessionPresent, returnCode, reasonCode } = await client.next('connack')
        assert.equal(sessionPresent, isKept, clientId)
        // Two live ones are all that there may be.
        assert.equal(version === 5 ? reasonCode : returnCode, isKept ? 0 : version === 5 ? 0x88 : 3)
      }
    })
  })
}

describe('connections that do not log in', { timeout }, () => {
  test('end after the time for it', async (t) => {
    const broker = await startTestBroker(t, { connectTimeout: 50 })
    const client = await RawClient.open(t, broker)
    assert.deepEqual(await client.ended(), [])
    const slow = await RawClient.openTls(t, broker)
    slow.stream.write(Buffer.from([0x10]))
    assert.deepEqual(await slow.ended(), [])
  })

  test('do not keep others out who do, and are bounded for one address', async (t) => {
    const broker = await startTestBroker(t, { waitingConnectionsPerAddress: 2 })
    const client = await connect(t, broker)
    const first = await RawClient.open(t, broker)
    await RawClient.open(t, broker)
    const third = await RawClient.open(t, broker)
    await third.ended()
    await assert.rejects(RawClient.openTls(t, broker))
    first.stream.destroy()
    await first.ended()
    // The broker learns of it a moment later.
    const again = async () => {
      while (!(await RawClient.login(t, broker).catch(() => undefined)));
    }
    await again()
    await client.publishAsync('try/a', '', { qos: 1 })
  })

  test('give their place back when they leave in the middle of the TLS handshake', async (t) => {
    const broker = await startTestBroker(t, { waitingConnectionsPerAddress: 2 })
    for (let count = 0; count < 4; count++) {
      const socket = connectTcp(broker.ports.mqtts, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.end('nonsense')
      await once(socket, 'close')
    }
    while (!(await RawClient.login(t, broker).catch(() => undefined)));
  })

  test('are bounded on one listener together with all others', async (t) => {
    const broker = await startTestBroker(t, { connectionsPerListener: 1 })
    await connect(t, broker)
    const second = connectTcp(broker.ports.mqtts, '127.0.0.1')
    second.on('error', () => {})
    await once(second, 'close')
    await RawClient.open(t, broker)
  })
})
