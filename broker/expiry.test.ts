import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Limits } from './limits.ts'
import { SqliteStore } from './store/sqlite-store.ts'
import { firstExpired } from './store/store.ts'
import { type StoreTestBroker, startStoreBroker, stored } from './store/test-broker.ts'
import { publication, type RawClient, temporaryDirectory } from './test-support.ts'

const timeout = 40_000
const away = stored(5, 'away', 3_600)

async function start(t: TestContext, limits: Partial<Limits> = {}) {
  const directory = await temporaryDirectory(t)
  return { directory, broker: await startStoreBroker(t, directory, limits) }
}

async function subscribe(client: RawClient, qos: 0 | 1 | 2): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'try/#', qos }] })
  await client.next('suback')
}

/** A session that is away and gets everything with this QoS. */
async function leaveSession(broker: StoreTestBroker, qos: 1 | 2 = 2): Promise<void> {
  const { client } = await broker.login(5, away)
  await subscribe(client, qos)
  client.stream.end()
  await client.ended()
}

interface Details {
  readonly payload: string
  readonly seconds?: number
  readonly retain?: boolean
  readonly topic?: string
}

async function publish(publisher: RawClient, { payload, seconds, retain = false, topic = 'try/a' }: Details) {
  const properties = seconds === undefined ? {} : { properties: { messageExpiryInterval: seconds } }
  publisher.send({ ...publication, qos: 1, messageId: 1, payload, retain, topic, ...properties })
  await publisher.next('puback')
}

/** What the client gets up to a message that never expires. */
async function receive(
  client: RawClient,
  publisher: RawClient,
): Promise<(readonly [string, number | undefined, boolean])[]> {
  await publish(publisher, { payload: 'end', topic: 'try/end' })
  const received = []
  for (;;) {
    const { topic, payload, properties, messageId = 0, qos, dup } = await client.next('publish')
    if (qos === 1) client.send({ cmd: 'puback', messageId })
    if (topic === 'try/end') return received
    received.push([String(payload), properties?.messageExpiryInterval, dup] as const)
  }
}

/** Until messages with one second more are over, those published before too. */
async function untilExpired(broker: StoreTestBroker): Promise<void> {
  await setTimeout(1_100)
  await broker.login(5)
}

describe('MQTT 5: the message expiry interval', { timeout }, () => {
  test('that is left comes with the message: live, queued and retained, and after a restart', async (t) => {
    const { directory, broker } = await start(t)
    await leaveSession(broker)
    const { client: live } = await broker.login(5)
    await subscribe(live, 0)
    const { client: publisher } = await broker.login(5)
    await publish(publisher, { payload: 'x', seconds: 1_000, retain: true })
    assert.equal((await live.next('publish')).properties?.messageExpiryInterval, 1_000)
    await setTimeout(2_000)
    const check = async (current: StoreTestBroker, clientId: string) => {
      const { client: late } = await current.login(5)
      await subscribe(late, 0)
      const { client: back } = await current.login(5, { ...away, clientId })
      for (const client of [late, back]) {
        const interval = (await client.next('publish')).properties?.messageExpiryInterval ?? 0
        assert.ok(interval > 900 && interval <= 998, `${interval}`)
      }
    }
    await check(broker, 'away')
    await broker.crash()
    await check(await startStoreBroker(t, directory), 'away')
  })

  test('that is over keeps a message from everybody', async (t) => {
    const { directory, broker } = await start(t)
    await leaveSession(broker)
    const { client: publisher } = await broker.login(5)
    await publish(publisher, { payload: 'short', seconds: 1, retain: true })
    await publish(publisher, { payload: 'long', seconds: 1_000, retain: true, topic: 'try/b' })
    await publish(publisher, { payload: 'endless', retain: true, topic: 'try/c' })
    await broker.crash()
    await setTimeout(1_100)
    const again = await startStoreBroker(t, directory)
    const { client: late } = await again.login(5)
    const { client: another } = await again.login(5)
    await subscribe(late, 0)
    const { client: back } = await again.login(5, away)
    const payloads = async (client: RawClient) => (await receive(client, another)).map(([payload]) => payload).sort()
    assert.deepEqual(await payloads(late), ['endless', 'long'])
    const queued = [await back.next('publish'), await back.next('publish')]
    assert.deepEqual(
      queued.map(({ payload }) => String(payload)),
      ['long', 'endless'],
    )
  })

  test('of 0 is over at once', async (t) => {
    const { broker } = await start(t)
    const { client } = await broker.login(5)
    await subscribe(client, 1)
    const { client: publisher } = await broker.login(5)
    await publish(publisher, { payload: 'x', seconds: 0 })
    await publish(publisher, { payload: 'y', seconds: 1_000 })
    assert.deepEqual(await receive(client, publisher), [['y', 1_000, false]])
  })

  test('ends nothing that was sent before', async (t) => {
    const { broker } = await start(t)
    const { client: first } = await broker.login(5, away)
    await subscribe(first, 2)
    const { client: publisher } = await broker.login(5)
    await publish(publisher, { payload: 'x', seconds: 1 })
    const { messageId } = await first.next('publish')
    first.stream.end()
    await first.ended()
    await untilExpired(broker)
    await untilExpired(broker)
    const { client: second } = await broker.login(5, away)
    const again = await second.next('publish')
    assert.deepEqual([again.messageId, again.dup, again.properties?.messageExpiryInterval], [messageId, true, 0])
  })

  test('ends what a crash leaves in doubt', async (t) => {
    const { directory, broker } = await start(t)
    const { client: first } = await broker.login(5, away)
    await subscribe(first, 1)
    const { client: publisher } = await broker.login(5)
    await publish(publisher, { payload: 'x', seconds: 1 })
    await publish(publisher, { payload: 'y', seconds: 1_000 })
    await first.next('publish')
    await broker.crash()
    await setTimeout(1_100)
    const again = await startStoreBroker(t, directory)
    const { client: second } = await again.login(5, away)
    assert.equal(String((await second.next('publish')).payload), 'y')
  })
})

describe('MQTT 5: expired messages make room', { timeout }, () => {
  test('in the queue of a session that is away', async (t) => {
    const { broker } = await start(t, { queuedMessagesPerSession: 3 })
    await leaveSession(broker, 1)
    const { client: publisher } = await broker.login(5)
    for (const payload of ['1', '2']) await publish(publisher, { payload, seconds: 1 })
    for (const payload of ['kept', 'lost']) await publish(publisher, { payload })
    await setTimeout(3_000)
    for (const payload of ['new', 'newer', 'lost']) await publish(publisher, { payload })
    const { client } = await broker.login(5, away)
    for (const expected of ['kept', 'new', 'newer']) {
      const { payload, messageId = 0 } = await client.next('publish')
      assert.equal(String(payload), expected)
      client.send({ cmd: 'puback', messageId })
    }
    client.send({ cmd: 'pingreq' })
    assert.equal((await client.any())?.cmd, 'pingresp')
  })

  test('among the retained ones', async (t) => {
    const { broker } = await start(t, { retainedMessages: 1 })
    const { client: publisher } = await broker.login(5)
    await publish(publisher, { payload: 'short', seconds: 1, retain: true })
    await publish(publisher, { payload: 'no room', retain: true, topic: 'try/b' })
    await setTimeout(3_000)
    await publish(publisher, { payload: 'room', retain: true, topic: 'try/c' })
    const { client } = await broker.login(5)
    await subscribe(client, 0)
    assert.equal(String((await client.next('publish')).payload), 'room')
  })

  test('a page at a time', async (t) => {
    const fail = () => assert.fail()
    const alarm = { failing: fail, working: fail, damaged: fail }
    const store = new SqliteStore(await temporaryDirectory(t), alarm)
    t.after(() => store.close())
    await store.load()
    const session = { clientId: 'away', username: 'try', expirySeconds: 60, endsAt: null, sent: 0 }
    await store.write([{ kind: 'session opened', session: { id: 1, ...session } }])
    for (const [sequence, expiresAt] of [
      [1, 30],
      [2, 10],
      [3, 10],
      [4, undefined],
      [5, 31],
    ] as const) {
      const message = { topic: 'try/a', payload: 'x', details: '{}', expiresAt }
      const place = { session: 1, sequence, qos: 1, retain: false, identifiers: [], share: undefined, size: 1 } as const
      await store.write([{ kind: 'queued', message, places: [place] }])
    }
    const first = await store.readExpired(30, firstExpired, 2)
    assert.deepEqual(
      first.queued.map(({ sequence }) => sequence),
      [2, 3],
    )
    const second = await store.readExpired(30, first.queued.at(-1) ?? firstExpired, 2)
    assert.deepEqual(second.queued, [{ expiresAt: 30, session: 1, sequence: 1, clientId: 'away', size: 1 }])
  })
})
