import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AedesPublishPacket, Client } from 'aedes'
import type { Packet } from 'mqtt-packet'
import { addressGroup, forwardedAddress, plainAddress } from './addresses.ts'
import type { Connection } from './connection.ts'
import { FailedLogins } from './failed-logins.ts'
import { judgeForward } from './forwarding.ts'
import { limits } from './limits.ts'
import { OutgoingQueues } from './outgoing-queues.ts'
import { objectionTo } from './packet-guard.ts'
import { Persistence } from './persistence.ts'
import { RetainedMessages } from './retained-messages.ts'
import { Sessions } from './sessions.ts'
import { WaitingRoom } from './waiting-room.ts'

let number = 0
function message(topic: string, payload = ''): AedesPublishPacket {
  const ids = { brokerId: 'broker', brokerCounter: ++number }
  return { ...ids, cmd: 'publish', topic, payload: Buffer.from(payload), qos: 1, dup: false, retain: true }
}

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
  test('of all users together are bounded, and nobody makes room at the cost of others', () => {
    const evicted: string[] = []
    const sessions = new Sessions({ sessions: 3, sessionsPerUser: 3 }, (clientId) => evicted.push(clientId))
    const [one, two, three] = [{}, {}, {}]
    assert.equal(sessions.claim('1', 'a', one), 'granted')
    assert.equal(sessions.claim('2', 'a', two), 'granted')
    assert.equal(sessions.claim('3', 'b', three), 'granted')
    assert.equal(sessions.release('3', three, true), 'lives on')
    assert.equal(sessions.claim('4', 'a', {}), 'too many')
    assert.equal(sessions.release('1', one, true), 'lives on')
    assert.equal(sessions.claim('4', 'a', {}), 'granted')
    assert.deepEqual(evicted, ['1'])
    assert.equal(sessions.claim('1', 'b', {}), 'granted')
    assert.deepEqual(evicted, ['1', '3'])
  })

  test('that were taken over or taken up again do not end with the old connection', () => {
    const sessions = new Sessions({ sessions: 3, sessionsPerUser: 3 }, () => {})
    const [old, young] = [{}, {}]
    sessions.claim('1', 'a', old)
    sessions.claim('1', 'a', young)
    assert.equal(sessions.release('1', old, false), 'lives on')
    sessions.expire('1')
    assert.equal(sessions.claim('1', 'b', {}), "another user's")
    assert.equal(sessions.release('1', young, false), 'ended')
    assert.equal(sessions.claim('1', 'b', {}), 'granted')
  })
})

describe('messages that are kept', () => {
  test('are bounded in number and size, and what replaces one needs no new room', () => {
    const retained = new RetainedMessages({ retainedMessages: 2, retainedBytes: 20 })
    assert.ok(retained.store(message('a', '123')))
    assert.ok(retained.store(message('b', '123')))
    assert.ok(!retained.store(message('c', '1')))
    assert.ok(retained.store(message('a', '123456789012345')))
    assert.ok(!retained.store(message('a', '1234567890123456')))
    assert.ok(retained.store(message('b')))
    assert.ok(retained.store(message('c', '123')))
    assert.ok(!retained.store(message('c', '1234')))
  })

  test('never lie below $', async () => {
    const retained = new RetainedMessages(limits)
    retained.store(message('$CONTROL/dynamic-security/v1/response', 'x'))
    for await (const found of retained.find(['$CONTROL/#', '#', '$CONTROL/dynamic-security/v1/response']))
      assert.fail(found.topic)
  })

  test('for clients are bounded in bytes, together and each', () => {
    const queues = new OutgoingQueues({ queuedMessagesPerSession: 9, queuedBytesPerSession: 600, queuedBytes: 900 })
    assert.deepEqual(
      [1, 2, 3].map(() => queues.add('a', message('a'))),
      [true, true, false],
    )
    assert.deepEqual(
      [1, 2].map(() => queues.add('b', message('b'))),
      [true, false],
    )
    queues.clear('a')
    assert.ok(queues.add('b', message('b')))
    assert.ok(!queues.add('b', message('b')))
  })

  test('leave their room when they are acknowledged, with PUBREL in between', () => {
    const queues = new OutgoingQueues({ queuedMessagesPerSession: 1, queuedBytesPerSession: 600, queuedBytes: 600 })
    for (let round = 0; round < 5; round++) {
      const sent = message('a', 'x'.repeat(300))
      assert.ok(queues.add('a', sent))
      queues.update('a', { ...sent, messageId: 7 })
      queues.update('a', { cmd: 'pubrel', messageId: 7 })
      assert.deepEqual(queues.list('a'), [{ cmd: 'pubrel', messageId: 7 }])
      queues.removeAcknowledged('a', 7)
      assert.deepEqual(queues.list('a'), [])
    }
  })
})

describe('forwarding', () => {
  const client = { conn: { writableLength: 0 }, subscriptions: { '#': { qos: 1 } } } as unknown as Client
  const connection = { user: { name: 'try', administrator: false } } as Connection

  test('withholds what the user may not have, whatever the subscription', () => {
    assert.equal(judgeForward(client, connection, message('try/a'), limits), 'send')
    for (const topic of ['other/a', '$SYS/x', '$nowhere']) {
      assert.equal(judgeForward(client, connection, message(topic), limits), 'withhold')
    }
    assert.equal(judgeForward(client, {} as Connection, message('try/a'), limits), 'withhold')
  })

  test('takes what the session has queued for no duplicate', () => {
    const queued = { ...message('try/a'), messageId: 3 }
    assert.equal(judgeForward(client, connection, queued, limits), 'send')
    assert.equal(judgeForward(client, connection, queued, limits), 'send')
  })
})

describe('persistence', () => {
  const persistence = new Persistence({ limits, mayStore: (_client, filter) => filter !== 'refused', onFull: () => {} })
  const client = { id: 'a' } as Client

  test('never rejects the removal of what is not there', async () => {
    await persistence.incomingDelPacket(client, { messageId: 1 })
    await persistence.incomingStorePacket(client, { messageId: 1 })
    await persistence.incomingDelPacket(client, { messageId: 1 })
    await persistence.incomingDelPacket(client, { messageId: 1 })
    await persistence.outgoingUpdate(client, { cmd: 'pubrel', messageId: 1 })
    assert.equal(await persistence.outgoingClearMessageId(client, { ...message('a'), messageId: 9 }), undefined)
  })

  test('stores only the subscriptions that are allowed', async () => {
    const wanted = ['allowed', 'refused'].map((topic) => ({ topic, qos: 1 as const }))
    await persistence.addSubscriptions(client, wanted)
    assert.deepEqual(
      (await persistence.subscriptionsByClient(client)).map(({ topic }) => topic),
      ['allowed'],
    )
    await persistence.addSubscriptions({ id: 'b' } as Client, [{ topic: 'refused', qos: 1 }])
    assert.deepEqual(await persistence.subscriptionsByTopic('refused'), [])
  })
})

describe('the packet guard', () => {
  const connect = { cmd: 'connect', clientId: '' } as const
  test('lets harmless packets pass', () => {
    assert.equal(objectionTo(connect, limits), undefined)
    assert.equal(objectionTo({ ...connect, will: { topic: 'a', payload: '', qos: 2 } }, limits), undefined)
    assert.equal(objectionTo({ cmd: 'pingreq' }, limits), undefined)
    assert.equal(
      objectionTo({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] }, limits),
      undefined,
    )
  })

  test('objects to what the parser lets through', () => {
    const will = { topic: 'a', payload: '' }
    const wrong: readonly Packet[] = [
      { ...connect, clientId: 'a\0' },
      { ...connect, username: '\0' },
      { ...connect, will: { ...will, topic: '' } },
      { ...connect, will: { ...will, topic: 'a/+' } },
      { ...connect, will: { ...will, qos: 3 as 2 } },
      { ...connect, will: { ...will, properties: { willDelayInterval: -1 } } },
      { ...connect, properties: { sessionExpiryInterval: -1 } },
      { cmd: 'subscribe', messageId: 1, subscriptions: [] },
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '__proto__', qos: 0 }] },
      { cmd: 'subscribe', messageId: 0, subscriptions: [{ topic: 'a', qos: 0 }] },
      { cmd: 'unsubscribe', messageId: -1, unsubscriptions: ['a'] },
      { cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['a\0'] },
      { cmd: 'publish', topic: 'a', payload: '', qos: 1, dup: false, retain: false, messageId: 0 },
      { cmd: 'publish', topic: 'a\0', payload: '', qos: 0, dup: false, retain: false },
    ]
    for (const packet of wrong) assert.ok(objectionTo(packet, limits), JSON.stringify(packet))
  })
})
