import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { IConnectPacket } from 'mqtt-packet'
import { publication, type RawClient, temporaryDirectory } from '../test-support.ts'
import { readStore, startStoreBroker, stored } from './test-broker.ts'

const timeout = 20_000

async function subscribe(client: RawClient, topic: string, qos: 0 | 1 | 2): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic, qos }] })
  await client.next('suback')
}

async function leave(client: RawClient): Promise<void> {
  client.stream.end()
  await client.ended()
}

async function publish(client: RawClient, more: object): Promise<void> {
  client.send({ ...publication, qos: 1, messageId: 1, ...more })
  await client.next('puback')
}

for (const version of [4, 5] as const) {
  const gateway = stored(version, 'gateway')

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: after a crash`, { timeout }, () => {
    test('there are the sessions and their owners, subscriptions, queues and retained messages', async (t) => {
      const directory = await temporaryDirectory(t)
      const first = await startStoreBroker(t, directory)
      const { client, connack } = await first.login(version, gateway)
      assert.equal(connack.sessionPresent, false)
      await subscribe(client, 'try/#', 1)
      await leave(client)
      const { client: publisher } = await first.login(version)
      await publish(publisher, { payload: '1' })
      await publish(publisher, { payload: '2', topic: 'try/kept', retain: true })
      await publish(publisher, { payload: 'x', topic: 'try/gone', retain: true })
      await publish(publisher, { payload: '', topic: 'try/gone', retain: true })
      await first.crash()

      const second = await startStoreBroker(t, directory)
      const foreign = await second.open(version, gateway, 'other').next('connack')
      assert.equal(version === 5 ? foreign.reasonCode : foreign.returnCode, version === 5 ? 0x85 : 2)
      const { client: again } = await second.login(version)
      await subscribe(again, 'try/+', 0)
      assert.equal(String((await again.next('publish')).payload), '2')
      await publish(again, { payload: 'later' })
      const { client: back, connack: present } = await second.login(version, gateway)
      assert.equal(present.sessionPresent, true)
      const payloads = []
      for (let count = 0; count < 5; count++) payloads.push(String((await back.next('publish')).payload))
      assert.deepEqual(payloads, ['1', '2', 'x', '', 'later'])
      await publish(again, { payload: 'live' })
      assert.equal(String((await back.next('publish')).payload), 'live')
    })

    test('there is a session without subscriptions, and none after a clean start', async (t) => {
      const directory = await temporaryDirectory(t)
      const first = await startStoreBroker(t, directory)
      await first.login(version, gateway)
      await first.crash()
      const second = await startStoreBroker(t, directory)
      assert.equal((await second.login(version, gateway)).connack.sessionPresent, true)
      assert.equal((await second.login(version, { ...gateway, clean: true })).connack.sessionPresent, false)
      await second.login(version, { clientId: 'gateway', clean: true })
      await second.crash()
      const third = await startStoreBroker(t, directory)
      assert.equal((await third.login(version, gateway)).connack.sessionPresent, false)
    })

    test('what was sent and not acknowledged comes again: with DUP, its old identifier, at its old place', async (t) => {
      const directory = await temporaryDirectory(t)
      const first = await startStoreBroker(t, directory)
      const { client } = await first.login(version, gateway)
      await subscribe(client, 'try/#', 2)
      const { client: publisher } = await first.login(version)
      for (const payload of ['acknowledged', 'received', 'sent']) {
        publisher.send({ ...publication, qos: 2, messageId: 1, payload })
        await publisher.next('pubrec')
        publisher.send({ cmd: 'pubrel', messageId: 1 })
        await publisher.next('pubcomp')
      }
      const identifiers = []
      for (let count = 0; count < 3; count++) {
        const { messageId = 0, dup } = await client.next('publish')
        assert.equal(dup, false)
        identifiers.push(messageId)
      }
      const [acknowledged = 0, received = 0, sent = 0] = identifiers
      client.send({ cmd: 'pubrec', messageId: acknowledged })
      await client.next('pubrel')
      client.send({ cmd: 'pubcomp', messageId: acknowledged }, { cmd: 'pubrec', messageId: received })
      await client.next('pubrel')
      await first.crash()

      const second = await startStoreBroker(t, directory)
      const { client: back } = await second.login(version, gateway)
      assert.equal((await back.any())?.messageId, received)
      const again = await back.next('publish')
      assert.deepEqual([String(again.payload), again.messageId, again.dup], ['sent', sent, true])
      back.send({ cmd: 'pubcomp', messageId: received }, { cmd: 'pubrec', messageId: sent })
      assert.equal((await back.next('pubrel')).messageId, sent)
      back.send({ cmd: 'pubcomp', messageId: sent }, { cmd: 'pingreq' })
      await back.next('pingresp')
      await second.crash()
      const { queues } = await readStore(directory)
      assert.deepEqual(queues, [])
    })

    test('a QoS 2 publish that was received is not taken again', async (t) => {
      const directory = await temporaryDirectory(t)
      const first = await startStoreBroker(t, directory)
      const { client: listener } = await first.login(version, stored(version, 'listener'))
      await subscribe(listener, 'try/#', 2)
      const { client } = await first.login(version, gateway)
      const message = { ...publication, qos: 2 as const, messageId: 7, payload: 'once' }
      client.send(message)
      await client.next('pubrec')
      await first.crash()
      const second = await startStoreBroker(t, directory)
      const { client: back } = await second.login(version, gateway)
      back.send({ ...message, dup: true })
      await back.next('pubrec')
      back.send({ cmd: 'pubrel', messageId: 7 })
      await back.next('pubcomp')
      back.send({ ...message, payload: 'next' })
      await back.next('pubrec')
      const { client: heard } = await second.login(version, stored(version, 'listener'))
      assert.deepEqual(
        [await heard.next('publish'), await heard.next('publish')].map(({ payload }) => String(payload)),
        ['once', 'next'],
      )
    })

    test('wills are published that nobody took back, with the rights of their users', async (t) => {
      const directory = await temporaryDirectory(t)
      const first = await startStoreBroker(t, directory)
      const { client } = await first.login(version, gateway, 'admin')
      await subscribe(client, '+/will', 1)
      const mortal = (payload: string, topic = 'try/will'): Partial<IConnectPacket> => ({
        clientId: payload,
        will: { topic, payload: Buffer.from(payload), qos: 1, retain: true },
      })
      await first.login(version, mortal('left'))
      const { client: polite } = await first.login(version, mortal('taken back'))
      polite.send({ cmd: 'disconnect' })
      await polite.ended()
      await first.login(version, mortal('formerly allowed', 'admin/will'), 'admin')
      await first.crash()
      const second = await startStoreBroker(t, directory)
      const { client: back } = await second.login(version, gateway, 'admin')
      const payloads = [await back.next('publish'), await back.next('publish')].map(({ payload }) => String(payload))
      assert.deepEqual(payloads.sort(), ['formerly allowed', 'left'])
      await second.crash()
      assert.deepEqual((await readStore(directory)).wills, [])
    })
  })

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a stored session`, { timeout }, () => {
    test('gets its queue in order while more come, each message once', async (t) => {
      const broker = await startStoreBroker(t, await temporaryDirectory(t), {
        deliveryPageMessages: 7,
        deliveryPageBytes: 2_000,
        unacknowledgedMessages: 5,
      })
      const { client } = await broker.login(version, gateway)
      await subscribe(client, 'try/#', 1)
      await leave(client)
      const { client: publisher } = await broker.login(version)
      for (let number = 0; number < 50; number++) await publish(publisher, { payload: `${number}` })
      const { client: back } = await broker.login(version, gateway)
      const received: string[] = []
      for (let number = 50; received.length < 150; number++) {
        if (number < 150) publisher.send({ ...publication, qos: 1, messageId: 1 + number, payload: `${number}` })
        const { payload, messageId = 0 } = await back.next('publish')
        received.push(String(payload))
        back.send({ cmd: 'puback', messageId })
      }
      assert.deepEqual(
        received,
        Array.from({ length: 150 }, (_, number) => `${number}`),
      )
    })

    test('gets no more than may be unacknowledged', async (t) => {
      const broker = await startStoreBroker(t, await temporaryDirectory(t), { unacknowledgedMessages: 3 })
      const limited = version === 5 ? { properties: { sessionExpiryInterval: 60, receiveMaximum: 2 } } : {}
      const { client } = await broker.login(version, { ...gateway, ...limited })
      await subscribe(client, 'try/#', 1)
      const { client: publisher } = await broker.login(version)
      for (let number = 0; number < 5; number++) await publish(publisher, { payload: `${number}` })
      const window = version === 5 ? 2 : 3
      const received = []
      for (let number = 0; number < window; number++) received.push((await client.next('publish')).messageId ?? 0)
      client.send({ cmd: 'pingreq' })
      assert.equal((await client.any())?.cmd, 'pingresp')
      client.send({ cmd: 'puback', messageId: received[0] ?? 0 })
      assert.equal(String((await client.next('publish')).payload), `${window}`)
    })

    test('counts what waits over a restart', async (t) => {
      const directory = await temporaryDirectory(t)
      for (const expected of [0, 1]) {
        const broker = await startStoreBroker(t, directory, { queuedMessagesPerSession: 3 })
        const { client } = await broker.login(version, gateway)
        await subscribe(client, 'try/#', 1)
        await leave(client)
        const { client: publisher } = await broker.login(version)
        await publish(publisher, {})
        await publish(publisher, {})
        assert.equal(broker.lines.filter(({ msg }) => msg === 'limited').length, expected)
        await broker.crash()
      }
    })

    test('goes to the last of many connections that want it at once', async (t) => {
      const broker = await startStoreBroker(t, await temporaryDirectory(t))
      const clients = Array.from({ length: 100 }, () => broker.open(version, gateway))
      const ended = await Promise.all(clients.slice(0, -1).map((client) => client.ended()))
      assert.equal(ended.length, 99)
      const last = clients.at(-1)
      assert.ok(last)
      await last.next('connack')
      await subscribe(last, 'try/#', 1)
      const { client: publisher } = await broker.login(version)
      await publish(publisher, { payload: 'x' })
      await last.next('publish')
      await leave(last)
      assert.equal((await broker.login(version, gateway)).connack.sessionPresent, true)
    })
  })
}

test('MQTT 5: a session that is taken up to end with the connection has its queue, and ends', {
  timeout,
}, async (t) => {
  const broker = await startStoreBroker(t, await temporaryDirectory(t))
  const { client } = await broker.login(5, stored(5, 'gateway'))
  await subscribe(client, 'try/#', 1)
  await leave(client)
  const { client: publisher } = await broker.login(5)
  await publish(publisher, { payload: 'queued' })
  const { client: last, connack } = await broker.login(5, { clientId: 'gateway', clean: false })
  assert.equal(connack.sessionPresent, true)
  assert.equal(String((await last.next('publish')).payload), 'queued')
  last.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['try/#'] })
  await last.next('unsuback')
  await publish(publisher, { payload: 'too late' })
  last.send({ cmd: 'pingreq' })
  assert.equal((await last.any())?.cmd, 'pingresp')
  await leave(last)
  assert.equal((await broker.login(5, stored(5, 'gateway'))).connack.sessionPresent, false)
})

describe('MQTT 5: time goes on while the broker is away', { timeout }, () => {
  test('for sessions that were left, and for those that were connected', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
    const directory = await temporaryDirectory(t)
    const first = await startStoreBroker(t, directory)
    const { client } = await first.login(5, stored(5, 'left', 60))
    await leave(client)
    await first.login(5, stored(5, 'connected', 60))
    await first.crash()
    t.mock.timers.setTime(1_060_000)
    const second = await startStoreBroker(t, directory)
    assert.equal((await second.login(5, stored(5, 'left', 60))).connack.sessionPresent, false)
    // Its connection ended when the broker came back, at the latest.
    assert.equal((await second.login(5, stored(5, 'connected', 60))).connack.sessionPresent, true)
  })

  test('for messages', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
    const directory = await temporaryDirectory(t)
    const first = await startStoreBroker(t, directory)
    const { client } = await first.login(5, stored(5, 'gateway', 600))
    await subscribe(client, 'try/#', 1)
    await leave(client)
    const { client: publisher } = await first.login(5)
    for (const messageExpiryInterval of [10, 100]) await publish(publisher, { properties: { messageExpiryInterval } })
    await first.crash()
    t.mock.timers.setTime(1_030_000)
    const second = await startStoreBroker(t, directory)
    const { client: back } = await second.login(5, stored(5, 'gateway', 600))
    assert.equal((await back.next('publish')).properties?.messageExpiryInterval, 70)
  })

  test('for the delay of a will, and a client that comes back takes it back', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
    const directory = await temporaryDirectory(t)
    const first = await startStoreBroker(t, directory)
    const { client } = await first.login(5, stored(5, 'listener', 600))
    await subscribe(client, 'try/will', 1)
    const mortal = (clientId: string) => ({
      ...stored(5, clientId),
      will: {
        topic: 'try/will',
        payload: Buffer.from(clientId),
        qos: 1 as const,
        properties: { willDelayInterval: 30, contentType: 'text/plain' },
      },
    })
    await first.login(5, mortal('away'))
    await first.login(5, mortal('back'))
    await first.crash()
    const second = await startStoreBroker(t, directory)
    const { client: listener } = await second.login(5, stored(5, 'listener', 600))
    await second.login(5, stored(5, 'back'))
    t.mock.timers.setTime(1_030_000)
    const { payload, properties } = await listener.next('publish')
    assert.equal(String(payload), 'away')
    assert.deepEqual({ ...properties }, { contentType: 'text/plain' })
    listener.send({ cmd: 'pingreq' })
    assert.equal((await listener.any())?.cmd, 'pingresp')
  })
})

test('MQTT 5: what is queued keeps its properties and tells which subscriptions it came by', { timeout }, async (t) => {
  const directory = await temporaryDirectory(t)
  const first = await startStoreBroker(t, directory)
  const { client } = await first.login(5, stored(5, 'gateway'))
  for (const [topic, subscriptionIdentifier] of [
    ['try/#', 1],
    ['try/+', 200],
  ] as const) {
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic, qos: 1, rap: true }],
      properties: { subscriptionIdentifier },
    })
    await client.next('suback')
  }
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/own', qos: 1, nl: true }] })
  await client.next('suback')
  await leave(client)
  const { client: publisher } = await first.login(5)
  const properties = {
    payloadFormatIndicator: true,
    responseTopic: 'try/answer',
    correlationData: Buffer.from([0, 255]),
    contentType: 'text/plain',
    userProperties: { __proto__x: '1', many: ['a', 'b'] },
  }
  await publish(publisher, { properties, retain: true, payload: Buffer.from([0, 255]) })
  await first.crash()
  const second = await startStoreBroker(t, directory)
  const { client: back } = await second.login(5, stored(5, 'gateway'))
  const message = await back.next('publish')
  assert.deepEqual(message.payload, Buffer.from([0, 255]))
  assert.equal(message.retain, true)
  const { userProperties, subscriptionIdentifier, ...others } = message.properties ?? {}
  const { userProperties: expected, ...expectedOthers } = properties
  assert.deepEqual({ ...userProperties }, expected)
  assert.deepEqual([subscriptionIdentifier].flat().sort(), [1, 200])
  assert.deepEqual({ ...others }, expectedOthers)
})
