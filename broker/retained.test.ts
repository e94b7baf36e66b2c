import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { IPublishPacket } from 'mqtt-packet'
import { type StoreTestBroker, startStoreBroker, stored } from './store/test-broker.ts'
import { publication, type RawClient, temporaryDirectory } from './test-support.ts'

const timeout = 60_000

async function start(t: TestContext, limits = {}) {
  return await startStoreBroker(t, await temporaryDirectory(t), limits)
}

/** Retains a message on each topic, with the same QoS. */
async function retain(broker: StoreTestBroker, topics: readonly string[], qos: 1 | 2 = 1, payload = ''): Promise<void> {
  const { client } = await broker.login(5)
  for (const [index, topic] of topics.entries()) {
    const messageId = 1 + index
    client.send({ ...publication, topic, qos, retain: true, messageId, payload: payload || topic })
    if (qos === 1) await client.next('puback')
    else await client.next('pubrec')
  }
  client.stream.end()
}

/** Takes so many messages and acknowledges each. */
async function take(client: RawClient, count: number): Promise<IPublishPacket[]> {
  const messages: IPublishPacket[] = []
  while (messages.length < count) {
    const message = await client.next('publish')
    messages.push(message)
    const { messageId = 0 } = message
    if (message.qos === 1) client.send({ cmd: 'puback', messageId })
    if (message.qos === 2) {
      client.send({ cmd: 'pubrec', messageId })
      client.send({ cmd: 'pubcomp', messageId })
    }
  }
  return messages
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `try/${String(index).padStart(5, '0')}`)
}

const topicsOf = (messages: readonly IPublishPacket[]) => messages.map(({ topic }) => topic)

for (const version of [4, 5] as const) {
  for (const session of [{}, stored(version, 'lasting')]) {
    const isLasting = 'clientId' in session
    const kind = isLasting ? 'a lasting session' : 'a session that ends with its connection'

    describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: to ${kind} retained messages`, { timeout }, () => {
      test('come no more at once than the client acknowledges, in order, each once', async (t) => {
        const broker = await start(t, { unacknowledgedMessages: 3 })
        const topics = numbered(250)
        await retain(broker, topics)
        const { client } = await broker.login(version, session)
        await client.subscribe([{ topic: 'try/#', qos: 1 }])
        const first = [await client.next('publish'), await client.next('publish'), await client.next('publish')]
        assert.deepEqual(await client.settled(), [])
        for (const { messageId = 0 } of first) client.send({ cmd: 'puback', messageId })
        const rest = await take(client, topics.length - 3)
        assert.deepEqual(topicsOf([...first, ...rest]), topics)
        assert.ok([...first, ...rest].every((message) => message.retain && message.qos === 1 && !message.dup))
        // The next subscription begins anew.
        await client.subscribe([{ topic: 'try/00007', qos: 2 }])
        assert.deepEqual(topicsOf(await take(client, 1)), ['try/00007'])
        assert.deepEqual(await client.settled(), [])
      })

      test('have the lower of both QoS, and what has QoS 0 waits for nothing', async (t) => {
        const broker = await start(t, { unacknowledgedMessages: 1 })
        await retain(broker, ['try/one'], 1)
        await retain(broker, ['try/two'], 2)
        const { client: publisher } = await broker.login(version)
        publisher.send({ ...publication, topic: 'try/zero', retain: true, payload: 'x' })
        await publisher.settled()
        const { client } = await broker.login(version, session)
        await client.subscribe([{ topic: 'try/+', qos: 2 }])
        const seen = (await take(client, 3)).map(({ topic, qos }) => `${topic}:${qos}`)
        assert.deepEqual(seen.sort(), ['try/one:1', 'try/two:2', 'try/zero:0'])
        await client.subscribe([{ topic: 'try/+', qos: 0 }])
        assert.deepEqual(
          (await take(client, 3)).map(({ qos }) => qos),
          [0, 0, 0],
        )
      })

      test('do not come after a newer message of their topic', async (t) => {
        const broker = await start(t)
        await retain(broker, ['try/a'], 1, 'old')
        const { client } = await broker.login(version, session)
        const { client: publisher } = await broker.login(version)
        await client.subscribe([{ topic: 'try/a', qos: 1 }])
        for (let round = 0; round < 30; round++) {
          const payload = `new ${round}`
          client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'try/a', qos: 1 }] })
          publisher.send({ ...publication, qos: 1, retain: true, messageId: 1, payload })
          await publisher.next('puback')
          let last = ''
          let isAnswered = false
          while (last !== payload || !isAnswered) {
            const packet = await client.any()
            assert.ok(packet)
            if (packet.cmd === 'suback') isAnswered = true
            if (packet.cmd !== 'publish') continue
            last = String(packet.payload)
            client.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
          }
          for (const packet of await client.settled()) {
            if (packet.cmd !== 'publish') continue
            assert.equal(String(packet.payload), payload)
            client.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
          }
        }
      })

      test('come before what is published once the client has its SUBACK', async (t) => {
        const broker = await start(t)
        await retain(broker, ['try/a', 'try/b'], 1, 'kept')
        const { client } = await broker.login(version, session)
        for (let round = 0; round < 20; round++) {
          await client.subscribe(['try/a', 'try/+'].map((topic) => ({ topic, qos: 1 })))
          client.send({ ...publication, qos: 1, messageId: 1, payload: 'live' })
          const seen = (await take(client, 4)).map(({ payload }) => String(payload))
          assert.deepEqual(seen, ['kept', 'kept', 'kept', 'live'])
        }
      })

      test('come although one before is not acknowledged, as far as the window goes', async (t) => {
        const broker = await start(t, { unacknowledgedMessages: 2 })
        const topics = numbered(130)
        await retain(broker, topics)
        const { client } = await broker.login(version, session)
        await client.subscribe([{ topic: 'try/00000', qos: 1 }])
        await client.next('publish')
        await client.subscribe([{ topic: 'try/#', qos: 1 }])
        assert.deepEqual(topicsOf(await take(client, topics.length)), topics)
        await client.subscribe([{ topic: 'try/#', qos: 0 }])
        assert.deepEqual(topicsOf(await take(client, topics.length)), topics)
      })

      test('end no connection because they are many', async (t) => {
        const broker = await start(t, { queuedMessagesPerSession: 5, stalledSubscriberBytes: 4_000 })
        const topics = numbered(30)
        await retain(broker, topics)
        const { client } = await broker.login(version, session)
        await client.subscribe([{ topic: 'try/#', qos: 1 }])
        assert.deepEqual(topicsOf(await take(client, topics.length)), topics)
      })

      test('stop with the subscription', async (t) => {
        const broker = await start(t, { unacknowledgedMessages: 1 })
        await retain(broker, numbered(300))
        const { client } = await broker.login(version, session)
        await client.subscribe([{ topic: 'try/#', qos: 1 }])
        const { messageId = 0 } = await client.next('publish')
        client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['try/#'] })
        await client.next('unsuback')
        const { client: publisher } = await broker.login(version)
        await client.subscribe([{ topic: 'try/end', qos: 1 }])
        client.send({ cmd: 'puback', messageId })
        // A page was on its way already.
        publisher.send({ ...publication, topic: 'try/end', qos: 1, messageId: 1 })
        let count = 1
        while ((await take(client, 1))[0]?.topic !== 'try/end') count++
        assert.ok(count <= 200, `${count} came`)
      })
    })
  }

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a lasting session gets retained messages`, { timeout }, () => {
    test('that it has not acknowledged again, and then the rest, over other connections and runs', async (t) => {
      const directory = await temporaryDirectory(t)
      const limits = { unacknowledgedMessages: 2 }
      let broker = await startStoreBroker(t, directory, limits)
      const topics = numbered(230)
      await retain(broker, topics)
      const session = stored(version, 'lasting')
      const { client: first } = await broker.login(version, session)
      await first.subscribe([{ topic: 'try/#', qos: 1 }])
      const seen = new Set<string>()
      let client = first
      for (const stop of [1, 105, 3, 0]) {
        for (const { topic } of await take(client, stop)) seen.add(topic)
        await client.next('publish')
        if (stop % 2 === 0) client.stream.destroy()
        else {
          await broker.crash()
          broker = await startStoreBroker(t, directory, limits)
        }
        client = (await broker.login(version, session)).client
        const [again] = await take(client, 1)
        assert.equal(again?.dup, true)
        seen.add(again.topic)
      }
      while (seen.size < topics.length) for (const { topic } of await take(client, 1)) seen.add(topic)
      assert.deepEqual([...seen].sort(), topics)
      const { client: publisher } = await broker.login(version)
      publisher.send({ ...publication, topic: 'try/end', qos: 1, messageId: 1 })
      assert.deepEqual(topicsOf(await take(client, 1)), ['try/end'])
    })

    test('that were retained before it subscribed: the later ones have come by themselves', async (t) => {
      const directory = await temporaryDirectory(t)
      const limits = { unacknowledgedMessages: 1 }
      let broker = await startStoreBroker(t, directory, limits)
      const topics = numbered(150)
      await retain(broker, topics)
      const session = stored(version, 'lasting')
      const { client } = await broker.login(version, session)
      await client.subscribe([{ topic: 'try/#', qos: 2 }])
      await client.next('publish')
      client.stream.destroy()
      await retain(broker, ['try/00149', 'try/x'], 1, 'later')
      await broker.crash()
      broker = await startStoreBroker(t, directory, limits)
      const { client: back } = await broker.login(version, session)
      const messages = await take(back, 151)
      assert.deepEqual(new Set(topicsOf(messages)), new Set([...topics, 'try/x']))
      const { client: publisher } = await broker.login(version)
      publisher.send({ ...publication, topic: 'try/end', qos: 1, messageId: 1 })
      assert.deepEqual(topicsOf(await take(back, 1)), ['try/end'])
    })

    test('although its queue has less room than there are', async (t) => {
      const broker = await start(t, { queuedMessagesPerSession: 3 })
      const topics = numbered(20)
      await retain(broker, topics)
      const { client } = await broker.login(version, stored(version, 'lasting'))
      await client.subscribe([{ topic: 'try/#', qos: 1 }])
      assert.deepEqual(topicsOf(await take(client, topics.length)), topics)
    })
  })
}

describe('MQTT 5: retained messages', { timeout }, () => {
  test('come as Retain Handling and No Local say, with the identifier of the subscription that asks for them', async (t) => {
    const directory = await temporaryDirectory(t)
    let broker = await startStoreBroker(t, directory)
    await retain(broker, ['try/a'])
    const session = stored(5, 'lasting')
    const { client } = await broker.login(5, session)
    client.send({ ...publication, topic: 'try/own', retain: true, qos: 1, messageId: 1, payload: 'x' })
    await client.next('puback')
    await client.subscribe([{ topic: '#', qos: 1, rh: 2 }], 1)
    const ask = async (asking: RawClient, topic: string, rh: number, nl = false) => {
      await asking.subscribe([{ topic, qos: 1, rh, nl }], 2)
      const messages: IPublishPacket[] = []
      // The store is asked in order: after the first answer the page was read, after the second one it was queued.
      for (const messageId of [21, 22]) {
        asking.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic: 'try/mark', qos: 1, rh: 2 }] })
        for (;;) {
          const packet = await asking.any()
          assert.ok(packet)
          if (packet.cmd === 'suback') break
          if (packet.cmd !== 'publish') continue
          assert.deepEqual([packet.retain, packet.properties?.subscriptionIdentifier], [true, 2])
          asking.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
          messages.push(packet)
        }
      }
      return topicsOf(messages)
    }
    assert.deepEqual(await ask(client, 'try/a', 2), [])
    assert.deepEqual(await ask(client, 'try/a', 1), [])
    assert.deepEqual(await ask(client, 'try/a', 0), ['try/a'])
    assert.deepEqual(await ask(client, 'try/+', 1), ['try/a', 'try/own'])
    assert.deepEqual(await ask(client, 'try/+', 1), [])
    assert.deepEqual(await ask(client, 'try/own', 0, true), [])
    await broker.crash()
    broker = await startStoreBroker(t, directory)
    const { client: back } = await broker.login(5, session)
    assert.deepEqual(await ask(back, 'try/+', 1), [])
    assert.deepEqual(await ask(back, 'try/own', 0, true), [])
    assert.deepEqual(await ask(back, 'try/own', 0, false), ['try/own'])
  })

  test('that many wait for hold nobody up and fill no memory', async (t) => {
    const broker = await start(t, { queuedMessagesPerSession: 200, stalledSubscriberBytes: 512 * 1024 })
    await retain(broker, numbered(1_500), 1, 'x'.repeat(2_000))
    const slow: RawClient[] = []
    for (const session of [{ clientId: 'clean' }, stored(5, 'lasting')]) {
      const { client } = await broker.login(5, { ...session })
      await client.subscribe([{ topic: 'try/#', qos: 1 }])
      slow.push(client)
    }
    const { client } = await broker.login(5)
    client.send({ ...publication, topic: 'try/live', qos: 1, messageId: 1 })
    await client.next('puback')
    for (const one of slow) {
      const seen = topicsOf(await take(one, 1_501))
      assert.equal(new Set(seen).size, 1_501)
    }
  })
})
