import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { IConnectPacket, Packet } from 'mqtt-packet'
import type { Limits } from './limits.ts'
import { startStoreBroker } from './store/test-broker.ts'
import { publication, type RawClient, temporaryDirectory } from './test-support.ts'

const timeout = 30_000

async function start(t: TestContext, limits: Partial<Limits> = {}) {
  return startStoreBroker(t, await temporaryDirectory(t), limits)
}

function reasonOf(packets: readonly Packet[]): number | undefined {
  const last = packets.at(-1)
  return last?.cmd === 'disconnect' ? last.reasonCode : undefined
}

async function subscribe(client: RawClient, topic: string, qos: 0 | 1 | 2 = 0): Promise<void> {
  client.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic, qos }] })
  await client.next('suback')
}

describe('MQTT 5: the receive maximum of the broker', { timeout }, () => {
  test('is told, holds for QoS 1 and 2 together, and leaves it at that', async (t) => {
    const broker = await start(t, { halfOpenQoS2: 3 })
    const { client, connack } = await broker.login(5)
    assert.equal(connack.properties?.receiveMaximum, 3)
    for (const messageId of [1, 2]) {
      client.send({ ...publication, qos: 2, messageId })
      await client.next('pubrec')
    }
    // Answered for good, it does not count; repeated, it does not count twice.
    for (const messageId of [3, 4, 5]) {
      client.send({ ...publication, qos: 1, messageId }, { ...publication, qos: 2, messageId: 1, dup: true })
      await client.next('pubrec')
    }
    client.send({ ...publication, qos: 2, messageId: 6 })
    await client.next('pubrec')
    client.send({ ...publication, qos: 0 }, { cmd: 'pingreq' })
    await client.next('pingresp')
    client.send({ cmd: 'pubrel', messageId: 6 })
    await client.next('pubcomp')
    client.send({ ...publication, qos: 2, messageId: 7 })
    await client.next('pubrec')
    client.send({ ...publication, qos: 1, messageId: 8 })
    assert.equal(reasonOf(await client.ended()), 0x93)
  })

  test('counts what is being stored', async (t) => {
    const broker = await start(t, { halfOpenQoS2: 3 })
    const { client } = await broker.login(5)
    const release = broker.store.hold()
    t.after(release)
    const retained = { ...publication, retain: true, qos: 1, payload: 'x' } as const
    client.send(...[1, 2, 3, 4].map((messageId) => ({ ...retained, messageId })))
    assert.equal(reasonOf(await client.ended()), 0x93)
  })

  test('is no matter of MQTT 3.1.1', async (t) => {
    const broker = await start(t, { halfOpenQoS2: 3 })
    const { client } = await broker.login(4)
    const release = broker.store.hold()
    const retained = { ...publication, retain: true, qos: 1, payload: 'x' } as const
    client.send(...[1, 2, 3, 4].map((messageId) => ({ ...retained, messageId })))
    release()
    for (const expected of [1, 2, 3, 4]) assert.equal((await client.next('puback')).messageId, expected)
  })
})

describe('MQTT 5: topic aliases of a client', { timeout }, () => {
  const aliased = (topic: string, topicAlias: number, payload: string) => ({
    ...publication,
    topic,
    payload,
    properties: { topicAlias },
  })

  test('stand for topics, are replaced, and are not passed on', async (t) => {
    const broker = await start(t, { topicAliases: 2 })
    const { client, connack } = await broker.login(5)
    assert.equal(connack.properties?.topicAliasMaximum, 2)
    await subscribe(client, 'try/#')
    client.send(
      aliased('try/a', 1, 'first'),
      aliased('try/b', 2, 'second'),
      aliased('', 1, 'third'),
      aliased('try/c', 1, 'fourth'),
      aliased('', 1, 'fifth'),
    )
    const received = []
    for (let count = 0; count < 5; count++) {
      const { topic, payload, properties } = await client.next('publish')
      received.push([topic, String(payload), properties?.topicAlias])
    }
    assert.deepEqual(received, [
      ['try/a', 'first', undefined],
      ['try/b', 'second', undefined],
      ['try/a', 'third', undefined],
      ['try/c', 'fourth', undefined],
      ['try/c', 'fifth', undefined],
    ])
  })

  for (const [name, packet, reason] of [
    ['0', aliased('try/a', 0, ''), 0x94],
    ['above the maximum', aliased('try/a', 3, ''), 0x94],
    ['that nobody knows', aliased('', 2, ''), 0x82],
  ] as const) {
    test(`${name} ends the connection`, async (t) => {
      const broker = await start(t, { topicAliases: 2 })
      const { client } = await broker.login(5)
      client.send(packet)
      assert.equal(reasonOf(await client.ended()), reason)
    })
  }

  test('end with the connection', async (t) => {
    const broker = await start(t)
    const session = { clientId: 'gateway', clean: false, properties: { sessionExpiryInterval: 60 } }
    const { client } = await broker.login(5, session)
    client.send({ ...aliased('try/a', 1, ''), qos: 1, messageId: 1 })
    await client.next('puback')
    client.stream.end()
    await client.ended()
    const again = await broker.login(5, session)
    again.client.send(aliased('', 1, ''))
    assert.equal(reasonOf(await again.client.ended()), 0x82)
  })
})

describe('the keep alive', { timeout }, () => {
  test('of MQTT 5 is what the broker tells, where it is asked for more', async (t) => {
    const broker = await start(t, { keepAliveSeconds: 10 })
    for (const [keepalive, told] of [
      [0, undefined],
      [10, undefined],
      [11, 10],
      [65_535, 10],
    ] as const) {
      const { connack } = await broker.login(5, { keepalive })
      assert.equal(connack.properties?.serverKeepAlive, told)
    }
  })

  for (const version of [4, 5] as const) {
    test(`of MQTT ${version === 4 ? '3.1.1' : '5'} ends the connection after one and a half times of it, and 0 never`, async (t) => {
      const broker = await start(t)
      const { client: silent } = await broker.login(version, { keepalive: 0 })
      const began = performance.now()
      const { client } = await broker.login(version, { keepalive: 1 })
      assert.equal(reasonOf(await client.ended()), version === 5 ? 0x8d : undefined)
      const seconds = (performance.now() - began) / 1000
      assert.ok(seconds >= 1.5, `${seconds}`)
      silent.send({ cmd: 'pingreq' })
      await silent.next('pingresp')
    })
  }

  test('is kept up by any packet', async (t) => {
    const broker = await start(t)
    const { client } = await broker.login(5, { keepalive: 2 })
    const publishing = setInterval(() => client.send({ ...publication, qos: 1, messageId: 1 }), 500)
    t.after(() => clearInterval(publishing))
    for (let count = 0; count < 10; count++) await client.next('puback')
  })
})

test('MQTT 5: a client without an identifier is told the one that it gets', { timeout }, async (t) => {
  const broker = await start(t)
  const [one, other] = [await broker.login(5), await broker.login(5)]
  const ids = [one, other].map(({ connack }) => connack.properties?.assignedClientIdentifier)
  assert.equal(new Set(ids).size, 2)
  assert.ok(ids.every((id) => id !== undefined && id.length > 0))
  const named = await broker.login(5, { clientId: 'gateway' })
  assert.equal(named.connack.properties?.assignedClientIdentifier, undefined)
})

test('MQTT 5: PUBREL for what was never published is answered with 0x92', { timeout }, async (t) => {
  const broker = await start(t)
  for (const [version, expected] of [
    [5, 0x92],
    [4, undefined],
  ] as const) {
    const { client } = await broker.login(version)
    client.send({ cmd: 'pubrel', messageId: 77 })
    assert.equal((await client.next('pubcomp')).reasonCode, expected)
    client.send({ ...publication, qos: 2, messageId: 77 })
    await client.next('pubrec')
    client.send({ cmd: 'pubrel', messageId: 77 })
    assert.equal((await client.next('pubcomp')).reasonCode ?? 0, 0)
  }
})

describe('MQTT 5: the session expiry interval', { timeout }, () => {
  const ask = (sessionExpiryInterval: number): Partial<IConnectPacket> => ({ properties: { sessionExpiryInterval } })

  test('is told where the broker grants less', async (t) => {
    const broker = await start(t, { sessionExpirySeconds: 100 })
    for (const [asked, told] of [
      [0, undefined],
      [100, undefined],
      [101, 100],
      [0xffffffff, 100],
    ] as const) {
      const { connack } = await broker.login(5, ask(asked))
      assert.equal(connack.properties?.sessionExpiryInterval, told)
    }
  })

  test('cannot come with DISCONNECT where the session was to end with its connection', async (t) => {
    const broker = await start(t)
    const { client: subscriber } = await broker.login(5)
    await subscribe(subscriber, 'try/#')
    const will = { topic: 'try/will', payload: Buffer.from('gone'), qos: 0 as const, retain: false }
    const { client } = await broker.login(5, { will })
    client.send({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 1 } })
    assert.equal(reasonOf(await client.ended()), 0x82)
    // It was no valid DISCONNECT.
    assert.equal(String((await subscriber.next('publish')).payload), 'gone')
  })
})

describe('MQTT 5: the reason why a connection ends arrives', { timeout }, () => {
  test('right after CONNACK', async (t) => {
    const broker = await start(t)
    for (let round = 0; round < 50; round++) {
      const { client } = await broker.login(5)
      client.send({ ...publication, properties: { topicAlias: 60_000 } })
      assert.equal(reasonOf(await client.ended()), 0x94, `in round ${round}`)
    }
  })

  test('behind all that was sent before it', async (t) => {
    const broker = await start(t)
    const { client } = await broker.login(5, { clientId: 'gateway' })
    await subscribe(client, 'try/#')
    client.stream.pause()
    const { client: publisher } = await broker.login(5)
    await subscribe(publisher, 'try/#')
    for (let count = 0; count < 20; count++) {
      publisher.send({ ...publication, payload: Buffer.alloc(10_000) })
      await publisher.next('publish')
    }
    await broker.login(5, { clientId: 'gateway' })
    await setTimeout(100)
    client.stream.resume()
    const packets = await client.ended()
    assert.deepEqual([packets.length, reasonOf(packets)], [21, 0x8e])
  })

  test('or is given up for a client that does not read', async (t) => {
    const broker = await start(t, { closeTimeout: 50 })
    const { client } = await broker.login(5, { clientId: 'gateway' })
    client.stream.pause()
    await broker.login(5, { clientId: 'gateway' })
    while (!broker.lines.some(({ msg }) => msg === 'disconnected')) await setTimeout(10)
  })
})

test('MQTT 5: a publisher is told when nobody gets its message', { timeout }, async (t) => {
  const broker = await start(t)
  const { client } = await broker.login(5)
  const { client: old } = await broker.login(4)
  const publish = async (messageId: number) => {
    client.send({ ...publication, qos: 1, messageId }, { ...publication, qos: 2, messageId: messageId + 1 })
    const puback = await client.next('puback')
    const pubrec = await client.next('pubrec')
    client.send({ cmd: 'pubrel', messageId: messageId + 1 })
    return [puback.reasonCode, pubrec.reasonCode, (await client.next('pubcomp')).reasonCode]
  }
  assert.deepEqual(await publish(1), [0x10, 0x10, 0])
  await subscribe(old, 'try/+')
  assert.deepEqual(await publish(3), [0, 0, 0])
  old.send({ ...publication, topic: 'try/nobody/listens', qos: 1, messageId: 1 })
  assert.equal((await old.next('puback')).reasonCode, undefined)
})
