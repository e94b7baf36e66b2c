import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { publication, type RawClient, temporaryDirectory } from '../test-support.ts'
import { readStore, type StoreTestBroker, startStoreBroker, stored } from './test-broker.ts'

const timeout = 20_000

/** Whatever was on its way to the client before has arrived. */
async function settled(client: RawClient): Promise<string[]> {
  client.send({ cmd: 'pingreq' })
  const kinds: string[] = []
  for (;;) {
    const packet = await client.any()
    if (!packet || packet.cmd === 'pingresp') return kinds
    kinds.push(packet.cmd)
  }
}

async function subscribe(client: RawClient, topic: string, qos: 0 | 1 | 2) {
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic, qos }] })
  return (await client.next('suback')).granted
}

/** A stored session that subscribes to `try/#` and is away. */
async function leaveAway(broker: StoreTestBroker, version: 4 | 5): Promise<void> {
  const { client } = await broker.login(version, stored(version, 'away'))
  await subscribe(client, 'try/#', 2)
  client.stream.end()
  await client.ended()
}

async function start(t: TestContext) {
  return await startStoreBroker(t, await temporaryDirectory(t))
}

for (const version of [4, 5] as const) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a publish`, { timeout }, () => {
    test('is acknowledged when it is stored, and delivered then', async (t) => {
      const broker = await start(t)
      await leaveAway(broker, version)
      const { client: listener } = await broker.login(version)
      await subscribe(listener, 'try/#', 1)
      const { client } = await broker.login(version)
      for (const [qos, answer] of [
        [1, 'puback'],
        [2, 'pubrec'],
      ] as const) {
        const release = broker.store.hold()
        client.send({ ...publication, qos, messageId: qos })
        assert.deepEqual(await settled(client), [])
        assert.deepEqual(await settled(listener), [])
        release()
        await client.next(answer)
        await listener.next('publish')
      }
    })

    test('is acknowledged at once when nothing of it is stored, but not before an earlier one', async (t) => {
      const broker = await start(t)
      await leaveAway(broker, version)
      const { client } = await broker.login(version, {}, 'other')
      const { client: friend } = await broker.login(version, {}, 'try')
      const release = broker.store.hold()
      client.send({ ...publication, topic: 'other/a', qos: 1, messageId: 1 })
      await client.next('puback')
      friend.send({ ...publication, topic: 'try/a', qos: 1, messageId: 1 })
      client.send({ ...publication, topic: 'other/a', qos: 1, messageId: 2, retain: true })
      client.send({ ...publication, topic: 'other/a', qos: 1, messageId: 3 })
      assert.deepEqual(await settled(client), [])
      release()
      assert.equal((await client.next('puback')).messageId, 2)
      assert.equal((await client.next('puback')).messageId, 3)
      await friend.next('puback')
    })

    test('is refused when it cannot be stored, and QoS 0 goes on', async (t) => {
      const broker = await start(t)
      await leaveAway(broker, version)
      const { client: listener } = await broker.login(version)
      await subscribe(listener, 'try/#', 1)
      broker.store.isFailing = true
      for (const [qos, answer] of [
        [1, 'puback'],
        [2, 'pubrec'],
      ] as const) {
        const { client } = await broker.login(version)
        client.send({ ...publication, qos, messageId: 1, payload: `${qos}` })
        if (version === 5) assert.equal((await client.next(answer)).reasonCode, 0x97)
        else assert.deepEqual(await client.ended(), [])
      }
      const { client } = await broker.login(version)
      client.send({ ...publication, payload: '0' })
      client.send({ ...publication, payload: 'retained', retain: true })
      assert.equal(String((await listener.next('publish')).payload), '0')
      assert.equal(String((await listener.next('publish')).payload), 'retained')
      broker.store.isFailing = false
      const { client: again } = await broker.login(version)
      again.send({ ...publication, qos: 1, messageId: 1, payload: 'works' })
      await again.next('puback')
      assert.equal(String((await listener.next('publish')).payload), 'works')
      const { client: back } = await broker.login(version, stored(version, 'away'))
      assert.equal(String((await back.next('publish')).payload), 'works')
    })

    test('with QoS 2 that could not be stored is taken when it comes again', async (t) => {
      const broker = await start(t)
      await leaveAway(broker, version)
      const session = stored(version, 'sender')
      const { client: first } = await broker.login(version, session)
      broker.store.isFailing = true
      const message = { ...publication, qos: 2 as const, messageId: 5, payload: 'x' }
      first.send(message)
      if (version === 5) await first.next('pubrec')
      else await first.ended()
      first.stream.destroy()
      broker.store.isFailing = false
      const { client: second } = await broker.login(version, session)
      for (const dup of [true, true]) {
        second.send({ ...message, dup })
        await second.next('pubrec')
      }
      const { client: back } = await broker.login(version, stored(version, 'away'))
      assert.equal(String((await back.next('publish')).payload), 'x')
      assert.deepEqual(await settled(back), [])
    })

    test('with QoS 2 that comes twice at once is taken once, and acknowledged when it is stored', async (t) => {
      const broker = await start(t)
      await leaveAway(broker, version)
      const { client } = await broker.login(version, stored(version, 'sender'))
      const release = broker.store.hold()
      const message = { ...publication, qos: 2 as const, messageId: 5, payload: 'x' }
      client.send(message, { ...message, dup: true })
      assert.deepEqual(await settled(client), [])
      release()
      await client.next('pubrec')
      await client.next('pubrec')
      const { client: back } = await broker.login(version, stored(version, 'away'))
      await back.next('publish')
      assert.deepEqual(await settled(back), [])
    })

    test('with QoS 2 is completed with PUBCOMP when that is stored; until then the connection ends', async (t) => {
      const broker = await start(t)
      const session = stored(version, 'sender')
      const { client: first } = await broker.login(version, session)
      first.send({ ...publication, qos: 2, messageId: 5 })
      await first.next('pubrec')
      const release = broker.store.hold()
      first.send({ cmd: 'pubrel', messageId: 5 })
      assert.deepEqual(await settled(first), [])
      broker.store.isFailing = true
      release()
      await first.ended()
      broker.store.isFailing = false
      const { client: second } = await broker.login(version, session)
      second.send({ cmd: 'pubrel', messageId: 5 })
      await second.next('pubcomp')
    })
  })

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a stored session`, { timeout }, () => {
    test('is opened and subscribes when that is stored, and not otherwise', async (t) => {
      const broker = await start(t)
      const release = broker.store.hold()
      const client = broker.open(version, stored(version, 'new'))
      const answer = client.next('connack')
      const { client: other } = await broker.login(version)
      assert.deepEqual(await settled(other), [])
      assert.equal(await Promise.race([answer, 'none yet']), 'none yet')
      release()
      await answer
      broker.store.isFailing = true
      const refused = await broker.open(version, stored(version, 'newer')).next('connack')
      assert.equal(version === 5 ? refused.reasonCode : refused.returnCode, version === 5 ? 0x88 : 3)
      assert.deepEqual(await subscribe(client, 'try/a', 1), [version === 5 ? 0x97 : 0x80])
      client.send({ ...publication })
      assert.deepEqual(await settled(client), [])
      broker.store.isFailing = false
      assert.deepEqual(await subscribe(client, 'try/a', 1), [1])
    })

    test('keeps only what was granted of its subscriptions', async (t) => {
      const directory = await temporaryDirectory(t)
      const first = await startStoreBroker(t, directory)
      const { client } = await first.login(version, stored(version, 'mixed'))
      const subscriptions = ['other/a', 'try/a', '#'].map((topic) => ({ topic, qos: 1 as const }))
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
      await client.next('suback')
      await first.crash()
      const { subscriptions: kept } = await readStore(directory)
      assert.deepEqual(
        kept.map(({ filter }) => filter),
        ['try/a'],
      )
    })
  })
}
