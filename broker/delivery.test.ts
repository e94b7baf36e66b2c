import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { Packet } from 'mqtt-packet'
import {
  adminCertificate,
  connect,
  connectPacket,
  publication,
  RawClient,
  startTestBroker,
  type TestBroker,
} from './test-support.ts'

const timeout = 20_000
const versions = [4, 5] as const

for (const version of versions) {
  const stored = {
    clean: false,
    ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}),
  }

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a message`, { timeout }, () => {
    test('comes once to overlapping subscriptions, with a QoS that the subscription grants', async (t) => {
      const broker = await startTestBroker(t)
      for (const session of [{}, { ...stored, clientId: 'stored' }]) {
        const client = await RawClient.login(t, broker, version, session)
        const filters = ['try/#', 'try/+', 'try/a'].map((topic) => ({ topic, qos: 1 as const }))
        client.send({ cmd: 'subscribe', messageId: 7, subscriptions: filters })
        await client.next('suback')
        const publisher = await RawClient.login(t, broker, version)
        for (const qos of [0, 1, 2] as const) {
          publisher.send({ ...publication, qos, messageId: 1, payload: `${qos}` })
          if (qos === 1) await publisher.next('puback')
          if (qos === 2) await publisher.next('pubrec')
        }
        publisher.send({ ...publication, payload: 'last' })
        const received = []
        for (;;) {
          const { payload, qos, messageId } = await client.next('publish')
          if (String(payload) === 'last') break
          received.push(`${payload}:${qos}`)
          if (messageId !== undefined) client.send({ cmd: 'puback', messageId })
        }
        assert.deepEqual(received.sort(), ['0:0', '1:1', '2:1'])
      }
    })

    test('waits for a stored session, once and in order, and is not sent again after it was acknowledged', async (t) => {
      const broker = await startTestBroker(t)
      const session = { ...stored, clientId: 'gateway' }
      const first = await RawClient.login(t, broker, version, session)
      const filters = ['try/#', 'try/+'].map((topic) => ({ topic, qos: 1 as const }))
      first.send({ cmd: 'subscribe', messageId: 7, subscriptions: filters })
      await first.next('suback')
      first.stream.end()
      await first.ended()
      const publisher = await RawClient.login(t, broker, version)
      for (const qos of [1, 2, 1, 0] as const) {
        publisher.send({ ...publication, qos, messageId: 1 + qos, payload: `${qos}` })
        if (qos === 1) await publisher.next('puback')
        if (qos === 2) {
          await publisher.next('pubrec')
          publisher.send({ cmd: 'pubrel', messageId: 3 })
          await publisher.next('pubcomp')
        }
      }
      for (const expected of [['1', '2', '1'], []]) {
        const client = await RawClient.openTls(t, broker, version)
        client.send(connectPacket(version, session))
        assert.equal((await client.next('connack')).sessionPresent, true)
        for (const payload of expected) {
          const message = await client.next('publish')
          assert.equal(String(message.payload), payload)
          assert.equal(message.qos, 1)
          client.send({ cmd: 'puback', messageId: message.messageId ?? 0 })
        }
        client.send({ cmd: 'pingreq' })
        await client.next('pingresp')
        client.send({ ...publication, payload: 'live' })
        assert.equal(String((await client.next('publish')).payload), 'live')
        client.stream.end()
        await client.ended()
      }
    })

    test('with QoS 2 is taken again after a clean start, although its identifier is the same', async (t) => {
      const broker = await startTestBroker(t)
      const subscriber = await RawClient.login(t, broker, version)
      subscriber.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/a', qos: 0 }] })
      await subscriber.next('suback')
      for (const clean of [false, true]) {
        const session = { ...stored, clientId: 'sender', clean }
        const client = await RawClient.login(t, broker, version, session)
        client.send({ ...publication, qos: 2, messageId: 5, payload: `clean: ${clean}` })
        await client.next('pubrec')
        assert.equal(String((await subscriber.next('publish')).payload), `clean: ${clean}`)
        // Repeated, it is acknowledged and not delivered.
        client.send({ ...publication, qos: 2, messageId: 5, dup: true, payload: 'again' })
        await client.next('pubrec')
        client.stream.end()
        await client.ended()
      }
    })

    test('that is retained is kept until an empty one comes', async (t) => {
      const broker = await startTestBroker(t)
      const client = await RawClient.login(t, broker, version)
      client.send({ ...publication, retain: true, payload: 'kept', qos: 1, messageId: 1 })
      await client.next('puback')
      const late = await RawClient.login(t, broker, version)
      late.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/+', qos: 0 }] })
      const { payload, retain, qos } = await late.next('publish')
      assert.deepEqual([String(payload), retain, qos], ['kept', true, 0])
      client.send({ ...publication, retain: true, qos: 1, messageId: 2 })
      await client.next('puback')
      const later = await RawClient.login(t, broker, version)
      later.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/#', qos: 0 }] })
      await later.next('suback')
      client.send({ ...publication, payload: 'live' })
      assert.equal(String((await later.next('publish')).payload), 'live')
    })
  })
}

test('a message is not lost because a later one overtakes it', { timeout }, async (t) => {
  const broker = await startTestBroker(t)
  const subscriber = await RawClient.login(t, broker)
  subscriber.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/#', qos: 0 }] })
  await subscriber.next('suback')
  const publisher = await RawClient.login(t, broker)
  // Retaining takes a moment longer, so the second of each pair is delivered first.
  for (let messageId = 1; messageId < 20; messageId += 2) {
    publisher.send(
      { ...publication, qos: 2, messageId, retain: true, payload: `${messageId}` },
      { ...publication, qos: 2, messageId: messageId + 1, payload: `${messageId + 1}` },
    )
    const received = [await subscriber.next('publish'), await subscriber.next('publish')]
    assert.deepEqual(
      received.map(({ payload }) => Number(payload)).sort((a, b) => a - b),
      [messageId, messageId + 1],
    )
  }
})

for (const door of ['mqtts', 'ws'] as const) {
  test(`a subscriber over ${door} that does not read misses QoS 0, then loses its connection, and holds nobody up`, {
    timeout,
  }, async (t) => {
    const broker = await startTestBroker(t, { slowSubscriberBytes: 64 * 1024, stalledSubscriberBytes: 512 * 1024 })
    await subscribeAndStall(t, broker, door)
    const reader = await RawClient.login(t, broker, 5)
    reader.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/#', qos: 0 }] })
    await reader.next('suback')
    const payload = Buffer.alloc(64 * 1024)
    const publisher = await RawClient.login(t, broker, 5)
    // More than the kernels and the limit take, but the stalled one stays: what it cannot take is left out.
    for (let sent = 0; sent < 300; sent++) {
      publisher.send({ ...publication, payload })
      await reader.next('publish')
    }
    const isGone = ({ msg, clientId }: Record<string, unknown>) => msg === 'disconnected' && clientId === 'stalled'
    assert.ok(!broker.lines.some(isGone))
    // A QoS 1 message waits for every subscriber to take it, so each needs a publisher of its own.
    while (!broker.lines.some(isGone)) {
      const senders = await Promise.all(Array.from({ length: 4 }, () => RawClient.login(t, broker, 5)))
      for (const sender of senders) sender.send({ ...publication, payload, qos: 1, messageId: 1 })
      for (const _ of senders) await reader.next('publish')
    }
    assert.equal(broker.lines.find(isGone)?.reason, 'does not read')
  })
}

async function subscribeAndStall(t: TestContext, broker: TestBroker, door: 'mqtts' | 'ws'): Promise<void> {
  const subscription: Packet = { cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/#', qos: 1 }] }
  const session = { clientId: 'stalled' }
  if (door === 'mqtts') {
    const client = await RawClient.login(t, broker, 4, session)
    client.send(subscription)
    await client.next('suback')
    client.stream.pause()
  } else {
    const { client, socket } = await RawClient.loginOverWebSocket(t, broker, 4, session)
    client.send(subscription)
    await client.next('suback')
    socket.pause()
  }
}

test('a client learns that its publish was refused and stays connected', { timeout }, async (t) => {
  const broker = await startTestBroker(t)
  const client = await connect(t, broker, { protocolVersion: 5 })
  await assert.rejects(client.publishAsync('other/a', '', { qos: 1 }), /Not authorized/)
  await client.subscribeAsync('try/a')
  const message = new Promise((resolve) => client.once('message', resolve))
  await client.publishAsync('try/a', 'x')
  await message
})

test('an administrator sees what the broker says about itself', { timeout }, async (t) => {
  const broker = await startTestBroker(t)
  const admin = await RawClient.login(t, broker, 5, {}, adminCertificate)
  admin.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: '$SYS/+/new/clients', qos: 0 }] })
  await admin.next('suback')
  await RawClient.login(t, broker, 5, { clientId: 'newcomer' })
  assert.equal(String((await admin.next('publish')).payload), 'newcomer')
})
