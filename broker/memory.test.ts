import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Packet } from 'mqtt-packet'
import { addressGroup, forwardedAddress, plainAddress } from './addresses.ts'
import { FailedLogins } from './failed-logins.ts'
import { limits } from './limits.ts'
import { objectionTo } from './packet-guard.ts'
import { Sessions } from './sessions.ts'
import { WaitingRoom } from './waiting-room.ts'

describe('addresses', () => {
  test('are grouped by what one customer holds', () => {
    const same = [
      ['192.0.2.1', '::ffff:192.0.2.1'],
      ['192.0.2.1', '::ffff:c000:201'],
      ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
      ['2001:db8::1', '2001:0db8:0000:0000:1::'],
      ['fe80::1%eth0', 'fe80::2'],
    ]
    const different = [
      ['192.0.2.1', '192.0.2.2'],
      ['2001:db8:1:2::1', '2001:db8:1:3::1'],
      ['::1', '127.0.0.1'],
    ]
    for (const [a = '', b = ''] of same) assert.equal(addressGroup(a), addressGroup(b), `${a} ${b}`)
    for (const [a = '', b = ''] of different) assert.notEqual(addressGroup(a), addressGroup(b), `${a} ${b}`)
  })

  test('are shown as people write them', () => {
    assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(plainAddress('2001:0db8::0001'), '2001:db8::1')
  })

  test('from the proxy are exactly one', () => {
    assert.equal(forwardedAddress('192.0.2.1'), '192.0.2.1')
    assert.equal(forwardedAddress('2001:db8::1'), '2001:db8::1')
    for (const header of [undefined, '', '1', '192.0.2.1 ', 'a', ['192.0.2.1']])
      assert.equal(forwardedAddress(header), undefined)
  })
})

describe('failed logins', () => {
  test('of the oldest address are forgotten when there are too many', async () => {
    const failed = new FailedLogins({ failedLogins: 1, failedLoginsSeconds: 60, lockSeconds: 60, trackedAddresses: 3 })
    for (const address of ['a', 'b', 'c', 'a', 'd']) await failed.record(address)
    const locked = await Promise.all(['a', 'b', 'c', 'd'].map((address) => failed.isLocked(address)))
    assert.deepEqual(locked, [true, false, true, true])
  })

  test('are forgotten after a while', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    const failed = new FailedLogins({ failedLogins: 2, failedLoginsSeconds: 60, lockSeconds: 300, trackedAddresses: 3 })
    assert.equal(await failed.record('a'), false)
    t.mock.timers.tick(60_001)
    assert.equal(await failed.record('a'), false)
    assert.equal(await failed.record('a'), true)
    t.mock.timers.tick(299_000)
    assert.equal(await failed.isLocked('a'), true)
    t.mock.timers.tick(1_001)
    assert.equal(await failed.isLocked('a'), false)
  })
})

describe('the waiting room', () => {
  test('has a place again for each one that leaves, once', () => {
    const room = new WaitingRoom({ waitingConnections: 3, waitingConnectionsPerAddress: 2 })
    const leave = room.enter('a')
    assert.ok(leave && room.enter('a'))
    assert.equal(room.enter('a'), undefined)
    assert.ok(room.enter('b'))
    assert.equal(room.enter('c'), undefined)
    leave()
    leave()
    assert.ok(room.enter('a'))
    assert.equal(room.enter('c'), undefined)
  })
})

describe('sessions', () => {
  const later = Date.now() + 60_000

  test('of all users together are bounded, and nobody makes room at the cost of others', () => {
    const ended: string[] = []
    const sessions = new Sessions({ sessions: 3, sessionsPerUser: 3 }, (clientId, why) =>
      ended.push(`${clientId} ${why}`),
    )
    const [one, two, three] = [{}, {}, {}]
    assert.equal(sessions.claim('1', 'a', one), 'granted')
    assert.equal(sessions.claim('2', 'a', two), 'granted')
    assert.equal(sessions.claim('3', 'b', three), 'granted')
    assert.equal(sessions.release('3', three, later), 'stored')
    assert.equal(sessions.claim('4', 'a', {}), 'too many')
    assert.equal(sessions.release('1', one, later), 'stored')
    assert.equal(sessions.claim('4', 'a', {}), 'granted')
    assert.deepEqual(ended, ['1 evicted'])
    assert.equal(sessions.claim('1', 'b', {}), 'granted')
    assert.deepEqual(ended, ['1 evicted', '3 evicted'])
  })

  test('that were taken over or taken up again do not end with the old connection', () => {
    const sessions = new Sessions({ sessions: 3, sessionsPerUser: 3 }, () => {})
    const [old, young] = [{}, {}]
    sessions.claim('1', 'a', old)
    sessions.claim('1', 'a', young)
    assert.equal(sessions.release('1', old, undefined), 'taken over')
    sessions.expire(Number.POSITIVE_INFINITY)
    assert.equal(sessions.claim('1', 'b', {}), "another user's")
    assert.equal(sessions.release('1', young, undefined), 'ended')
    assert.equal(sessions.claim('1', 'b', {}), 'granted')
  })

  test('end when their time is over, stored before or now', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000 })
    const ended: string[] = []
    const sessions = new Sessions({ sessions: 9, sessionsPerUser: 9 }, (clientId, why) =>
      ended.push(`${clientId} ${why}`),
    )
    sessions.restore('restored', 'a', 2_000)
    const holder = {}
    sessions.claim('left', 'a', holder)
    sessions.release('left', holder, 3_000)
    assert.equal(sessions.claim('restored', 'b', {}), "another user's")
    sessions.expire(1_999)
    assert.deepEqual(ended, [])
    sessions.expire(2_000)
    assert.deepEqual(ended, ['restored expired'])
    t.mock.timers.setTime(3_000)
    assert.equal(sessions.claim('left', 'b', {}), 'granted')
    assert.deepEqual(ended, ['restored expired', 'left expired'])
  })
})

describe('the packet guard', () => {
  const connect = { cmd: 'connect', clientId: '' } as const
  const will = { topic: 'a', payload: '' }
  const publish = { cmd: 'publish', topic: 'a', payload: '', qos: 0, dup: false, retain: false } as const
  const { topicLevels, subscriptionsPerClient } = limits
  const filters = (length: number) => Array.from({ length }, (_, index) => `a/${index}`)
  const subscriptions = (length: number) => filters(length).map((topic) => ({ topic, qos: 0 }) as const)

  test('lets harmless packets pass', () => {
    const harmless: readonly Packet[] = [
      connect,
      { ...connect, will: { ...will, qos: 2 } },
      { cmd: 'pingreq' },
      { ...publish, topic: '/'.repeat(topicLevels - 1) },
      { ...publish, topic: '', properties: { topicAlias: 1 } },
      { cmd: 'subscribe', messageId: 1, subscriptions: subscriptions(subscriptionsPerClient) },
      { cmd: 'unsubscribe', messageId: 1, unsubscriptions: filters(subscriptionsPerClient) },
    ]
    for (const packet of harmless) assert.equal(objectionTo(packet, limits), undefined, packet.cmd)
  })

  test('objects to what is in good form and would do harm', () => {
    const wrong: readonly (readonly [reasonCode: number, packet: Packet])[] = [
      [0x81, { ...connect, will: { ...will, topic: '' } }],
      [0x81, { ...connect, will: { ...will, topic: 'a/+' } }],
      [0x81, { ...connect, will: { ...will, qos: 3 as 2 } }],
      [0x82, { ...publish, topic: '' }],
      [0x90, { ...publish, topic: '/'.repeat(topicLevels) }],
      [0x97, { cmd: 'subscribe', messageId: 1, subscriptions: subscriptions(subscriptionsPerClient + 1) }],
      [0x97, { cmd: 'unsubscribe', messageId: 1, unsubscriptions: filters(subscriptionsPerClient + 1) }],
    ]
    for (const [reasonCode, packet] of wrong) assert.equal(objectionTo(packet, limits)?.reasonCode, reasonCode)
  })
})
