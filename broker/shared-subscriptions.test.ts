import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { IPublishPacket } from 'mqtt-packet'
import { parseNamedFilter } from './shared-subscriptions.ts'
import { type StoreTestBroker, startStoreBroker, stored } from './store/test-broker.ts'
import { publication, type RawClient, temporaryDirectory } from './test-support.ts'

const timeout = 20_000
const shared = '$share/group/try/#'

async function start(t: TestContext, limits = {}) {
  return await startStoreBroker(t, await temporaryDirectory(t), limits)
}

/** Publishes payloads one after the other, each acknowledged. */
async function publish(client: RawClient, qos: 0 | 1 | 2, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) {
    client.send({ ...publication, qos, messageId: 1, payload })
    if (qos === 1) await client.next('puback')
    if (qos === 2) {
      await client.next('pubrec')
      client.send({ cmd: 'pubrel', messageId: 1 })
      await client.next('pubcomp')
    }
  }
  await client.settled()
}

async function received(client: RawClient): Promise<IPublishPacket[]> {
  return (await client.settled()).filter((packet) => packet.cmd === 'publish')
}

function payloads(messages: readonly IPublishPacket[]): string[] {
  return messages.map(({ payload }) => String(payload))
}

async function next(client: RawClient): Promise<string> {
  return String((await client.next('publish')).payload)
}

function acknowledge(client: RawClient, messages: readonly IPublishPacket[]): void {
  for (const { messageId, qos } of messages) {
    if (qos === 1) client.send({ cmd: 'puback', messageId: messageId ?? 0 })
  }
}

test('a shared subscription has a name and a filter', () => {
  const cases: readonly (readonly [text: string, share: string | undefined, filter: string])[] = [
    ['$share/a/b', 'a', 'b'],
    ['$share/a//', 'a', '/'],
    ['$share/a/$share/b/c', 'a', '$share/b/c'],
    ['$share/__proto__/#', '__proto__', '#'],
    ['$shared/a/b', undefined, '$shared/a/b'],
    ['a/$share/b/c', undefined, 'a/$share/b/c'],
  ]
  for (const [text, share, filter] of cases) assert.deepEqual(parseNamedFilter(text), { share, filter })
  for (const text of ['$share', '$share/', '$share/a', '$share/a/', '$share//b', '$share/a+/b', '$share/#/b']) {
    assert.equal(parseNamedFilter(text), undefined, text)
  }
})

for (const version of [4, 5] as const) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: of a shared subscription`, { timeout }, () => {
    async function members(broker: StoreTestBroker, count: number, qos: 0 | 1 | 2, name = shared) {
      const clients: RawClient[] = []
      for (let index = 0; index < count; index++) {
        const { client } = await broker.login(version, { clientId: `${name}-${index}` })
        assert.deepEqual(await client.subscribe([{ topic: name, qos }]), [qos])
        clients.push(client)
      }
      return clients
    }

    for (const qos of [0, 1, 2] as const) {
      test(`each member gets its turn with QoS ${qos}, and each message goes to one of them`, async (t) => {
        const broker = await start(t)
        const clients = await members(broker, 3, qos)
        const { client: publisher } = await broker.login(version)
        await publish(publisher, qos, 'a', 'b', 'c', 'd', 'e', 'f')
        const all = await Promise.all(clients.map(received))
        assert.deepEqual(all.map(payloads), [
          ['a', 'd'],
          ['b', 'e'],
          ['c', 'f'],
        ])
        assert.ok(all.flat().every((message) => message.qos === qos && !message.retain))
      })
    }

    test('a member gets no more than it was granted [MQTT-4.8.2-3]', async (t) => {
      const broker = await start(t)
      const [low] = await members(broker, 1, 0)
      const [high] = await members(broker, 1, 1, '$share/another/try/#')
      const { client: publisher } = await broker.login(version)
      await publish(publisher, 2, 'x')
      assert.equal((await low?.next('publish'))?.qos, 0)
      assert.equal((await high?.next('publish'))?.qos, 1)
    })

    test('one with another name, and one without, get a copy of their own', async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(version)
      await client.subscribe(['try/#', shared, '$share/another/try/#', '$share/group/try/+'].map(asked))
      const { client: publisher } = await broker.login(version)
      await publish(publisher, 1, 'x')
      assert.deepEqual(payloads(await received(client)), ['x', 'x', 'x', 'x'])
      client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [shared, 'try/#', 'try/+'] })
      await client.next('unsuback')
      await publish(publisher, 1, 'y')
      assert.deepEqual(payloads(await received(client)), ['y', 'y'])
    })

    test('retained messages are not sent, and not the retain flag', async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(version)
      client.send({ ...publication, retain: true, qos: 1, messageId: 1, payload: 'kept' })
      await client.next('puback')
      await client.subscribe([asked(shared), asked('try/b')])
      client.send({ ...publication, topic: 'try/b', payload: 'mark', retain: true })
      const messages = [await client.next('publish'), await client.next('publish')]
      assert.deepEqual(payloads(messages), ['mark', 'mark'])
      assert.ok(messages.every(({ retain }) => !retain))
    })

    test('members that are there come before those that are away, and these get their turn among themselves', async (t) => {
      const broker = await start(t)
      for (const clientId of ['one', 'two']) {
        const { client } = await broker.login(version, stored(version, clientId))
        await client.subscribe([asked(shared)])
        client.stream.end()
        await client.ended()
      }
      const [here] = await members(broker, 1, 1)
      assert.ok(here)
      const { client: publisher } = await broker.login(version)
      await publish(publisher, 1, 'a', 'b')
      const messages = await received(here)
      assert.deepEqual(payloads(messages), ['a', 'b'])
      acknowledge(here, messages)
      await here.settled()
      here.stream.end()
      await here.ended()
      await publish(publisher, 1, 'c', 'd', 'e', 'f')
      // Nobody is there for what does not wait.
      await publish(publisher, 0, 'lost')
      const all: string[] = []
      for (const clientId of ['one', 'two']) {
        const { client } = await broker.login(version, stored(version, clientId))
        all.push(await next(client), await next(client))
        assert.deepEqual(await received(client), [])
      }
      assert.deepEqual(all.sort(), ['c', 'd', 'e', 'f'])
    })

    test('what a session that ends has not acknowledged goes to another member', async (t) => {
      const broker = await start(t, { unacknowledgedMessages: 2 })
      const [first] = await members(broker, 1, 1)
      assert.ok(first)
      const { client: publisher } = await broker.login(version)
      await publish(publisher, 1, 'a', 'b', 'c')
      const sent = await received(first)
      assert.deepEqual(payloads(sent), ['a', 'b'])
      acknowledge(first, sent.slice(0, 1))
      assert.equal(await next(first), 'c')
      const { client: second } = await broker.login(version)
      await second.subscribe([{ topic: shared, qos: 2 }])
      await publish(publisher, 1, 'd')
      assert.equal(await next(second), 'd')
      first.stream.destroy()
      assert.deepEqual([await next(second), await received(second)], ['b', []])
    })

    test('a QoS 2 message that was sent goes to nobody else when the session ends [MQTT-4.8.2-5]', async (t) => {
      const broker = await start(t, { unacknowledgedMessages: 1 })
      const [first] = await members(broker, 1, 2)
      assert.ok(first)
      const { client: publisher } = await broker.login(version)
      await publish(publisher, 2, 'sent', 'unsent')
      assert.deepEqual(payloads(await received(first)), ['sent'])
      const { client: second } = await broker.login(version)
      await second.subscribe([{ topic: shared, qos: 2 }])
      first.stream.destroy()
      assert.equal(await next(second), 'unsent')
      assert.deepEqual(await received(second), [])
    })

    test('what a lasting session has not acknowledged waits for it [MQTT-4.8.2-4], also over a restart', async (t) => {
      const directory = await temporaryDirectory(t)
      const first = await startStoreBroker(t, directory)
      const { client } = await first.login(version, stored(version, 'lasting'))
      await client.subscribe([{ topic: shared, qos: 2 }])
      const { client: publisher } = await first.login(version)
      await publish(publisher, 2, 'a')
      await client.next('publish')
      client.stream.destroy()
      const [other] = await members(first, 1, 2)
      assert.ok(other)
      await publish(publisher, 2, 'b')
      assert.equal(await next(other), 'b')
      await first.crash()
      const second = await startStoreBroker(t, directory)
      const { client: back } = await second.login(version, stored(version, 'lasting'))
      const { payload, dup } = await back.next('publish')
      assert.deepEqual([String(payload), dup], ['a', true])
      const { client: later } = await second.login(version)
      await publish(later, 1, 'c')
      assert.equal(await next(back), 'c')
    })

    test('what waits for a lasting session goes to another member when that session is ended', async (t) => {
      const directory = await temporaryDirectory(t)
      const first = await startStoreBroker(t, directory)
      for (const clientId of ['one', 'two']) {
        const { client } = await first.login(version, stored(version, clientId))
        await client.subscribe([asked(shared), asked('try/a')])
        client.stream.end()
        await client.ended()
      }
      const { client: publisher } = await first.login(version)
      await publish(publisher, 1, 'a', 'b')
      await first.login(version, { clientId: 'one' })
      await first.crash()
      const second = await startStoreBroker(t, directory)
      const { client: two } = await second.login(version, stored(version, 'two'))
      const messages = [await next(two), await next(two), await next(two), await next(two)]
      assert.deepEqual(messages.sort(), ['a', 'a', 'b', 'b'])
      assert.deepEqual(await received(two), [])
    })

    test('the limit on subscriptions holds', async (t) => {
      const broker = await start(t, { subscriptionsPerClient: 2 })
      const { client } = await broker.login(version)
      assert.deepEqual(await client.subscribe([asked(shared), asked('$share/b/try/#')]), [1, 1])
      assert.deepEqual(await client.subscribe([asked('$share/c/try/#')]), [version === 5 ? 0x97 : 0x80])
      client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [shared] })
      assert.deepEqual(await client.subscribe([asked('$share/c/try/#')]), [1])
    })

    test('a queue that is full is left out as long as another has room', async (t) => {
      const broker = await start(t, { queuedMessagesPerSession: 2 })
      for (const [clientId, filter] of [
        ['one', 'try/#'],
        ['two', 'try/none'],
      ] as const) {
        const { client } = await broker.login(version, stored(version, clientId))
        await client.subscribe([asked(filter), asked(shared)])
        client.stream.end()
        await client.ended()
      }
      const { client: publisher } = await broker.login(version)
      await publish(publisher, 1, 'a', 'b')
      const { client: two } = await broker.login(version, stored(version, 'two'))
      const { client: one } = await broker.login(version, stored(version, 'one'))
      const all = [await next(one), await next(one), await next(two)]
      // Its own subscription filled the queue of the one.
      assert.deepEqual(all.slice(0, 2).sort().join(), all[2] === 'b' ? 'a,a' : 'a,b')
    })
  })
}

describe('MQTT 5: a shared subscription', { timeout }, () => {
  test('is announced to be available, and a protocol error with No Local [MQTT-3.8.3-4]', async (t) => {
    const broker = await start(t)
    const { client, connack } = await broker.login(5)
    assert.notEqual(connack.properties?.sharedSubscriptionAvailable, false)
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: shared, qos: 0, nl: true }] })
    const last = (await client.ended()).at(-1)
    assert.equal(last?.cmd === 'disconnect' ? last.reasonCode : undefined, 0x82)
  })

  test('keeps its identifier and flags to itself', async (t) => {
    const broker = await start(t)
    const { client } = await broker.login(5)
    await client.subscribe([{ topic: 'try/a', qos: 1 }], 1)
    await client.subscribe([{ topic: shared, qos: 1, rap: true }], 2)
    client.send({ ...publication, retain: true, qos: 1, messageId: 1 })
    const messages = [await client.next('publish'), await client.next('publish')]
    const seen = messages.map(({ retain, properties }) => [properties?.subscriptionIdentifier, retain])
    assert.deepEqual(seen, [
      [1, false],
      [2, true],
    ])
  })

  test('has for each member its Receive Maximum: others get what is beyond, then it waits', async (t) => {
    const broker = await start(t)
    const clients: RawClient[] = []
    for (const receiveMaximum of [1, 3]) {
      const { client } = await broker.login(5, { properties: { receiveMaximum } })
      await client.subscribe([{ topic: shared, qos: 1 }])
      clients.push(client)
    }
    const [narrow, wide] = clients
    assert.ok(narrow && wide)
    const { client: publisher } = await broker.login(5)
    await publish(publisher, 1, 'a', 'b', 'c', 'd', 'e', 'f')
    const [narrowly, widely] = [await received(narrow), await received(wide)]
    assert.deepEqual(payloads(narrowly), ['a'])
    assert.deepEqual(payloads(widely), ['b', 'c', 'd'])
    acknowledge(narrow, narrowly)
    acknowledge(wide, widely)
    const rest = [...(await received(narrow)), ...(await received(wide))]
    assert.deepEqual(payloads(rest).sort(), ['e', 'f'])
  })

  for (const [qos, cmd] of [
    [1, 'puback'],
    [2, 'pubrec'],
  ] as const) {
    test(`is done with a message of QoS ${qos} that a member refuses [MQTT-4.8.2-6]`, async (t) => {
      const broker = await start(t, { unacknowledgedMessages: 1 })
      const { client: first } = await broker.login(5)
      await first.subscribe([{ topic: shared, qos }])
      const { client: publisher } = await broker.login(5)
      await publish(publisher, qos, 'a', 'b')
      const { messageId = 0 } = await first.next('publish')
      first.send({ cmd, messageId, reasonCode: 0x83 })
      assert.equal(await next(first), 'b')
      const { client: second } = await broker.login(5)
      await second.subscribe([{ topic: shared, qos }])
      first.stream.destroy()
      if (qos === 1) assert.equal(await next(second), 'b')
      assert.deepEqual(await received(second), [])
    })
  }
})

function asked(topic: string): { topic: string; qos: 1 } {
  return { topic, qos: 1 }
}
