import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { readStore, type StoreTestBroker, startStoreBroker, stored } from './store/test-broker.ts'
import { type RawClient, temporaryDirectory } from './test-support.ts'

const timeout = 30_000

async function start(t: TestContext) {
  const directory = await temporaryDirectory(t)
  return { directory, broker: await startStoreBroker(t, directory) }
}

async function leave(client: RawClient, sessionExpiryInterval?: number): Promise<void> {
  if (sessionExpiryInterval === undefined) client.stream.end()
  else client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval } })
  await client.ended()
}

/** Whether there is a session; takes it up as one that ends with the connection. */
async function isPresent(broker: StoreTestBroker, version: 4 | 5 = 5): Promise<boolean> {
  const { client, connack } = await broker.login(version, { clientId: 'gateway', clean: false })
  await leave(client)
  return connack.sessionPresent
}

describe('a session ends', { timeout }, () => {
  test('with its connection, if it says nothing else (MQTT 5) or is clean (MQTT 3.1.1)', async (t) => {
    const { broker } = await start(t)
    for (const version of [4, 5] as const) {
      await leave((await broker.login(version, { clientId: 'gateway', clean: version === 4 })).client)
      assert.equal(await isPresent(broker, 5), false)
    }
  })

  test('when its time is over and not before, the time that the process was away counted', async (t) => {
    const { directory, broker } = await start(t)
    await leave((await broker.login(5, stored(5, 'gateway', 3))).client)
    await leave((await broker.login(5, stored(5, 'other', 1_000))).client)
    await broker.login(5)
    await broker.crash()
    const before = (await readStore(directory)).sessions
    const second = await startStoreBroker(t, directory)
    await second.login(5)
    await second.crash()
    assert.deepEqual(
      (await readStore(directory)).sessions.map(({ endsAt }) => endsAt),
      before.map(({ endsAt }) => endsAt),
    )
    const ending = before.find(({ clientId }) => clientId === 'gateway')?.endsAt ?? 0
    await setTimeout(Math.max(0, ending - Date.now()) + 100)
    const third = await startStoreBroker(t, directory)
    assert.equal(await isPresent(third), false)
    const { connack } = await third.login(5, stored(5, 'other'))
    assert.equal(connack.sessionPresent, true)
  })

  test('never before the most that the broker grants, with 0xFFFFFFFF or MQTT 3.1.1', async (t) => {
    for (const version of [4, 5] as const) {
      const { directory, broker } = await start(t)
      const began = Date.now()
      await leave((await broker.login(version, stored(version, 'gateway', 0xffffffff))).client)
      await broker.login(5)
      await broker.crash()
      const [session] = (await readStore(directory)).sessions
      const days = ((session?.endsAt ?? 0) - began) / (24 * 60 * 60 * 1000)
      assert.ok(days >= 30 && days < 31, `${days}`)
      assert.equal(await isPresent(await startStoreBroker(t, directory), version), true)
    }
  })

  test('as DISCONNECT says: at once, earlier or later', async (t) => {
    const { directory, broker } = await start(t)
    await leave((await broker.login(5, stored(5, 'gateway', 1_000))).client, 0)
    assert.equal(await isPresent(broker), false)
    const began = Date.now()
    await leave((await broker.login(5, stored(5, 'gateway', 1_000))).client, 5_000)
    await leave((await broker.login(5, stored(5, 'other', 1_000))).client, 1)
    await setTimeout(2_500)
    await broker.login(5)
    await broker.crash()
    const { sessions } = await readStore(directory)
    assert.deepEqual(
      sessions.map(({ clientId }) => clientId),
      ['gateway'],
    )
    assert.ok((sessions[0]?.endsAt ?? 0) >= began + 5_000_000)
  })

  test('with the connection that takes it up to end with it', async (t) => {
    const { broker } = await start(t)
    await leave((await broker.login(5, stored(5, 'gateway', 1_000))).client)
    assert.deepEqual([await isPresent(broker), await isPresent(broker)], [true, false])
  })
})
