import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { IConnectPacket } from 'mqtt-packet'
import type { Limits } from './limits.ts'
import { readStore, type StoreTestBroker, startStoreBroker, stored } from './store/test-broker.ts'
import { publication, type RawClient, temporaryDirectory } from './test-support.ts'

const timeout = 30_000
type Will = NonNullable<IConnectPacket['will']>

function leaving(payload: string, properties?: Will['properties']): { will: Will } {
  const will = { topic: 'try/will', payload: Buffer.from(payload), qos: 1 as const, retain: false }
  return { will: { ...will, ...(properties ? { properties } : {}) } }
}

/** A session of MQTT 5 with a will. */
function lasting(payload: string, willDelayInterval: number, seconds = 60): Partial<IConnectPacket> {
  return { ...stored(5, 'gateway', seconds), ...leaving(payload, { willDelayInterval }) }
}

async function start(t: TestContext, limits: Partial<Limits> = {}) {
  const directory = await temporaryDirectory(t)
  const broker = await startStoreBroker(t, directory, limits)
  return { directory, broker, watcher: await watch(broker) }
}

/** A client that gets the wills. */
async function watch(broker: StoreTestBroker): Promise<RawClient> {
  const { client } = await broker.login(5, { clientId: 'watcher' }, 'admin')
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'try/#', qos: 0 }] })
  await client.next('suback')
  return client
}

/** What it has got up to now. */
async function received(watcher: RawClient, broker: StoreTestBroker): Promise<string[]> {
  const { client } = await broker.login(5)
  client.send({ ...publication, topic: 'try/mark' })
  const payloads: string[] = []
  for (;;) {
    const { topic, payload } = await watcher.next('publish')
    if (topic === 'try/mark') return payloads
    payloads.push(String(payload))
  }
}

async function leave(client: RawClient): Promise<void> {
  client.stream.end()
  await client.ended()
}

for (const version of [4, 5] as const) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a will`, { timeout }, () => {
    test('is published when the connection ends without DISCONNECT, and not with it', async (t) => {
      const { broker, watcher } = await start(t)
      const { client: orderly } = await broker.login(version, leaving('taken back'))
      orderly.send({ cmd: 'disconnect', reasonCode: 0 })
      await orderly.ended()
      const { client } = await broker.login(version, leaving('left'))
      await leave(client)
      assert.equal(String((await watcher.next('publish')).payload), 'left')
    })

    test('is published when the keep alive is over', async (t) => {
      const { broker, watcher } = await start(t)
      await broker.login(version, { ...leaving('silent'), keepalive: 1 })
      assert.equal(String((await watcher.next('publish')).payload), 'silent')
    })

    test('of a connection that is taken over is published, and the one of its successor waits for its own end', async (t) => {
      const { directory, broker, watcher } = await start(t)
      for (const payload of ['first', 'second']) {
        await broker.login(version, { ...stored(version, 'gateway'), ...leaving(payload) })
      }
      assert.equal(String((await watcher.next('publish')).payload), 'first')
      await broker.crash()
      const [will, ...more] = (await readStore(directory)).wills
      assert.equal(Buffer.from(will?.message.payload ?? '').toString(), 'second')
      assert.deepEqual([will?.dueAt, more], [null, []])
    })

    test('is retained where it says so, and comes with its own QoS', async (t) => {
      const { broker, watcher } = await start(t)
      for (const qos of [0, 1, 2] as const) {
        const { client } = await broker.login(version, {
          will: { topic: `try/kept/${qos}`, payload: Buffer.from('kept'), qos, retain: true },
        })
        await leave(client)
        assert.equal((await watcher.next('publish')).topic, `try/kept/${qos}`)
      }
      const { client: late } = await broker.login(version)
      late.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: 'try/kept/+', qos: 2 }] })
      const seen = []
      for (let count = 0; count < 3; count++) {
        const { topic, qos, retain } = await late.next('publish')
        seen.push(`${topic} ${qos} ${retain}`)
      }
      assert.deepEqual(seen.sort(), ['try/kept/0 0 true', 'try/kept/1 1 true', 'try/kept/2 2 true'])
    })
  })
}

describe('MQTT 5: a will', { timeout }, () => {
  test('is published with every DISCONNECT but 0x00', async (t) => {
    const { broker, watcher } = await start(t)
    for (const reasonCode of [0x04, 0x80, 0x81, 0x99]) {
      const { client } = await broker.login(5, leaving(`reason ${reasonCode}`))
      client.send({ cmd: 'disconnect', reasonCode })
      assert.equal(String((await watcher.next('publish')).payload), `reason ${reasonCode}`)
    }
  })

  test('has its properties, but not its delay', async (t) => {
    const { broker, watcher } = await start(t)
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'try/answers',
      correlationData: Buffer.from([0, 255]),
      userProperties: { site: 'north' },
    }
    const will = leaving('x', { ...properties, willDelayInterval: 1, messageExpiryInterval: 100 })
    const { client } = await broker.login(5, { ...stored(5, 'gateway'), ...will })
    await leave(client)
    const { properties: received } = await watcher.next('publish')
    // Its time begins when it is published.
    const userProperties = { ...received?.userProperties }
    assert.deepEqual({ ...received, userProperties }, { ...properties, messageExpiryInterval: 100 })
  })

  test('waits for its delay', async (t) => {
    const { broker, watcher } = await start(t)
    const { client } = await broker.login(5, lasting('late', 2))
    const began = performance.now()
    await leave(client)
    assert.deepEqual(await received(watcher, broker), [])
    assert.equal(String((await watcher.next('publish')).payload), 'late')
    const seconds = (performance.now() - began) / 1000
    assert.ok(seconds >= 2, `${seconds}`)
  })

  test('is not published when the client is back in its session in time, in whatever way the connection ended', async (t) => {
    const { directory, broker, watcher } = await start(t)
    const { client } = await broker.login(5, lasting('first', 1))
    await leave(client)
    await broker.login(5, lasting('second', 1))
    // Taken over.
    const { client: last } = await broker.login(5, stored(5, 'gateway'))
    const { client: other } = await broker.login(5, { ...lasting('other', 2), clientId: 'other' })
    await leave(other)
    assert.equal(String((await watcher.next('publish')).payload), 'other')
    last.send({ cmd: 'pingreq' })
    await last.next('pingresp')
    await broker.crash()
    assert.deepEqual((await readStore(directory)).wills, [])
  })

  for (const isConnected of [true, false]) {
    test(`is published at once when a clean start ends its session, ${isConnected ? 'taken over' : 'left'}`, async (t) => {
      const { broker, watcher } = await start(t)
      const { client } = await broker.login(5, lasting('ended', 1_000))
      if (!isConnected) await leave(client)
      await broker.login(5, { ...lasting('new', 1_000), clean: true })
      assert.equal(String((await watcher.next('publish')).payload), 'ended')
      assert.deepEqual(await received(watcher, broker), [])
    })
  }

  test('is published when its session ends before its delay does', async (t) => {
    const { broker, watcher } = await start(t)
    const { client } = await broker.login(5, lasting('expired', 1_000, 1))
    await leave(client)
    assert.equal(String((await watcher.next('publish')).payload), 'expired')
    const { connack } = await broker.login(5, stored(5, 'gateway'))
    assert.equal(connack.sessionPresent, false)
  })

  test('is published when its session makes room for another one', async (t) => {
    const { broker, watcher } = await start(t, { sessionsPerUser: 1 })
    const { client } = await broker.login(5, lasting('evicted', 1_000))
    await leave(client)
    await broker.login(5, { clientId: 'another' })
    assert.equal(String((await watcher.next('publish')).payload), 'evicted')
  })

  test('that waits goes on waiting over a restart, and no longer', async (t) => {
    const { directory, broker } = await start(t)
    const { client } = await broker.login(5, lasting('late', 3))
    await leave(client)
    const { client: patient } = await broker.login(5, { ...lasting('later', 1_000, 2_000), clientId: 'patient' })
    await leave(patient)
    await broker.login(5)
    await broker.crash()
    const before = (await readStore(directory)).wills
    assert.equal(before.length, 2)
    assert.ok(before.every(({ dueAt }) => dueAt !== null))
    const again = await startStoreBroker(t, directory)
    const watcher = await watch(again)
    assert.equal(String((await watcher.next('publish')).payload), 'late')
    assert.ok(Date.now() >= (before.find(({ clientId }) => clientId === 'gateway')?.dueAt ?? 0))
    await again.crash()
    const [left, ...more] = (await readStore(directory)).wills
    assert.equal(left?.dueAt, before.find(({ clientId }) => clientId === 'patient')?.dueAt)
    assert.deepEqual(more, [])
  })
})
