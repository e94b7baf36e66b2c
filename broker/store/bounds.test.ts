import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeDetails, encodeMessage } from './message-codec.ts'
import { OutgoingQueues } from './outgoing-queues.ts'
import { RetainedMessages } from './retained-messages.ts'
import { packetIdOf, SessionRecord } from './session-record.ts'
import { emptyState, NotStored, type Store } from './store.ts'

const message = (topic: string, payload: string) => ({ topic, payload, details: '{}' })
const store: Store = {
  load: async () => emptyState,
  write: async () => {},
  writeUntilDone: async () => {},
  readQueue: async () => [],
  readExpired: async () => ({ queued: [], topics: [] }),
  readRetained: async () => ({ messages: [], next: undefined }),
  close: async () => {},
}
const inMemory = { stalledSubscriberBytes: 600, heldBytes: 900 }
const stored = { id: 1, clientId: 'a', username: 'try', expirySeconds: 1, endsAt: 0, sent: 0 }

describe('retained messages', () => {
  test('are bounded in number and size, and what replaces one needs no new room', async () => {
    const retained = new RetainedMessages({ retainedMessages: 2, retainedBytes: 20 })
    const keep = async (topic: string, payload: string) => {
      const change = retained.change(message(topic, payload))
      await retained.settle(change, Promise.resolve())
      return change !== undefined
    }
    assert.ok(await keep('a', '123'))
    assert.ok(await keep('b', '123'))
    assert.ok(!(await keep('c', '1')))
    assert.ok(await keep('a', '123456789012345'))
    assert.ok(!(await keep('a', '1234567890123456')))
    assert.ok(await keep('b', ''))
    assert.ok(await keep('c', '123'))
    assert.ok(!(await keep('c', '1234')))
  })

  test('count while they are being stored, and not if that fails', async () => {
    const retained = new RetainedMessages({ retainedMessages: 1, retainedBytes: 20 }, [])
    const { promise, reject } = Promise.withResolvers<void>()
    const settled = retained.settle(retained.change(message('a', '1')), promise)
    assert.equal(retained.change(message('b', '1')), undefined)
    reject(new NotStored('x'))
    await assert.rejects(settled)
    assert.ok(retained.change(message('b', '1')))
  })

  test('of an earlier run count', () => {
    const retained = new RetainedMessages({ retainedMessages: 1, retainedBytes: 20 }, [{ topic: 'a', size: 20 }])
    assert.equal(retained.change(message('b', '1')), undefined)
    assert.ok(retained.change(message('a', '1')))
  })
})

describe('messages that wait for clients', () => {
  const place = (queues: OutgoingQueues, record: SessionRecord, payload = '') => {
    const targets = [{ record, qos: 1 as const, retain: false, identifiers: [], share: undefined }]
    return queues.place(targets, message('a', payload)).placing
  }

  test('are bounded in bytes, together and each, and in number', () => {
    const limits = { ...inMemory, queuedMessagesPerSession: 3, queuedBytesPerSession: 600, queuedBytes: 900 }
    const queues = new OutgoingQueues(store, limits, [])
    const [a, b] = [new SessionRecord(stored, true), new SessionRecord({ ...stored, id: 2, clientId: 'b' }, true)]
    assert.deepEqual(
      [1, 2, 3].map(() => place(queues, a) !== undefined),
      [true, true, false],
    )
    assert.deepEqual(
      [1, 2].map(() => place(queues, b) !== undefined),
      [true, false],
    )
    queues.ended(a)
    assert.ok(place(queues, b))
    assert.ok(!place(queues, b))
    const roomy = new OutgoingQueues(store, { ...limits, queuedBytesPerSession: 9_999, queuedBytes: 9_999 }, [])
    const c = new SessionRecord(stored, true)
    assert.deepEqual(
      [1, 2, 3, 4].map(() => place(roomy, c) !== undefined),
      [true, true, true, false],
    )
  })

  test('leave their room when they are acknowledged, and when they cannot be stored', async () => {
    const limits = { ...inMemory, queuedMessagesPerSession: 1, queuedBytesPerSession: 600, queuedBytes: 600 }
    const queues = new OutgoingQueues(store, limits, [])
    const record = new SessionRecord(stored, true)
    for (let round = 0; round < 5; round++) {
      const placing = place(queues, record, 'x'.repeat(300))
      const taken = placing?.taken[0]?.place
      assert.ok(placing && taken)
      if (round % 2 === 0) await queues.remove(record, taken.sequence, taken.size)
      else queues.cancelled(placing)
    }
  })

  test('in memory are bounded for each client: the one that lets too much wait is given up, and nobody else', () => {
    const limits = { ...inMemory, queuedMessagesPerSession: 3, queuedBytesPerSession: 0, queuedBytes: 0 }
    const queues = new OutgoingQueues(store, limits, [])
    const [many, large, other] = [1, 2, 3].map((id) => new SessionRecord({ ...stored, id }, false))
    assert.ok(many && large && other)
    const roomy = new OutgoingQueues(store, { ...limits, stalledSubscriberBytes: 9_999, heldBytes: 9_999 }, [])
    for (const isThere of [true, true, true, false]) assert.equal(place(roomy, many) !== undefined, isThere)
    assert.ok(many.isEnded)
    // 600 bytes: two with 257 each, and 86 more.
    for (const payload of ['', 'x'.repeat(86)]) assert.ok(place(queues, large, payload))
    assert.equal(large.bytes, 600)
    assert.ok(place(queues, other))
    assert.ok(!large.isEnded)
    assert.equal(place(queues, large), undefined)
    assert.ok(large.isEnded)
    assert.ok(!other.isEnded)
    assert.ok(place(queues, other))
  })

  test('in memory are bounded together: the client with the most is given up', () => {
    const limits = { ...inMemory, queuedMessagesPerSession: 9, queuedBytesPerSession: 0, queuedBytes: 0 }
    const queues = new OutgoingQueues(store, limits, [])
    const [most, less] = [1, 2].map((id) => new SessionRecord({ ...stored, id }, false))
    assert.ok(most && less)
    assert.ok(place(queues, most, 'x'.repeat(343)))
    assert.ok(place(queues, less, 'x'.repeat(43)))
    assert.equal(most.bytes + less.bytes, 900)
    assert.ok(!most.isEnded)
    assert.ok(place(queues, less))
    assert.ok(most.isEnded)
    assert.ok(!less.isEnded)
  })

  test('of an earlier run count', () => {
    const limits = { ...inMemory, queuedMessagesPerSession: 2, queuedBytesPerSession: 900, queuedBytes: 900 }
    const queue = { session: 1, messages: 1, bytes: 500, first: 7, last: 7 }
    const queues = new OutgoingQueues(store, limits, [queue])
    const record = new SessionRecord(stored, true, queue)
    assert.equal(place(queues, record)?.taken[0]?.place.sequence, 8)
    assert.equal(place(queues, record), undefined)
  })

  test('never share a packet identifier, however many come while one is not acknowledged', () => {
    const limits = { queuedMessagesPerSession: 9, queuedBytesPerSession: 900 }
    const record = new SessionRecord(stored, true)
    const first = record.reserve(1, limits) ?? 0
    const identifiers = new Set([packetIdOf(first)])
    for (let count = 1; count < 65_535; count++) {
      const sequence = record.nextSequence()
      assert.ok(sequence)
      identifiers.add(packetIdOf(sequence))
    }
    assert.equal(identifiers.size, 65_535)
    assert.ok(Math.min(...[...identifiers].slice(0, 9)) >= 1)
    assert.equal(record.nextSequence(), undefined)
    assert.equal(record.reserve(1, limits), undefined)
  })
})

test('a message keeps its details, whatever their names', () => {
  const properties = {
    correlationData: Buffer.from([0, 255]),
    userProperties: Object.assign(Object.create(null), JSON.parse('{"__proto__": "x", "constructor": ["a", "b"]}')),
    messageExpiryInterval: 5,
  }
  const { details } = encodeMessage('a', 'x', { properties, messageExpiry: 12, qos: 1 })
  const decoded = decodeDetails(details)
  assert.equal(decoded.messageExpiry, 12)
  assert.equal(decoded.qos, 1)
  assert.deepEqual(decoded.properties?.correlationData, properties.correlationData)
  const names = decoded.properties?.userProperties ?? {}
  assert.deepEqual(Object.entries(names), [
    ['__proto__', 'x'],
    ['constructor', ['a', 'b']],
  ])
  assert.deepEqual(decodeDetails(encodeMessage('a', 'x', {}).details), {})
})
