import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matches } from '../topics.ts'
import type { SessionRecord } from './session-record.ts'
import { SessionRecords } from './session-records.ts'
import { emptyState, type Store, type StoredSession, type StoredSubscription } from './store.ts'
import { type Published, type Target, targetsOf } from './targets.ts'

const store: Store = {
  load: async () => emptyState,
  write: async () => {},
  writeUntilDone: async () => {},
  readQueue: async () => [],
  readExpired: async () => ({ queued: [], topics: [] }),
  readRetained: async () => ({ messages: [], next: undefined }),
  close: async () => {},
}

// Few names, so that much matches.
const name = fc.constantFrom('a', 'b', '', '$a', '__proto__')
/** Of at least one character [MQTT-4.7.3-1]. */
const topic = fc
  .array(name, { minLength: 1, maxLength: 3 })
  .map((names) => names.join('/'))
  .filter((text) => text !== '')
const filter = fc
  .tuple(fc.array(fc.oneof(name, fc.constant('+')), { maxLength: 3 }), fc.boolean())
  .map(([names, isOpen]) => (isOpen || names.length === 0 ? [...names, '#'] : names).join('/'))
  .filter((text) => text !== '')
const share = fc.constantFrom(undefined, undefined, 'x', '__proto__')
const clientId = fc.constantFrom('one', 'two', 'three', '$share/x', '__proto__')
const qos = fc.constantFrom(0, 1, 2)

interface Wanted {
  readonly clientId: string
  readonly share: string | undefined
  readonly filter: string
  /** Undefined: it unsubscribes. */
  readonly options: Pick<StoredSubscription, 'qos' | 'noLocal' | 'retainAsPublished' | 'identifier'> | undefined
}

const wanted: fc.Arbitrary<Wanted> = fc.record({
  clientId,
  share,
  filter,
  options: fc.option(
    fc.record({
      qos,
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      identifier: fc.constantFrom(undefined, 1, 2, 3),
    }),
    { nil: undefined, freq: 5 },
  ),
})

const published = fc.record({
  topic,
  qos,
  retain: fc.boolean(),
  publisher: fc.option(clientId, { nil: undefined }),
})

const nameOf = ({ share, filter }: Pick<Wanted, 'share' | 'filter'>) =>
  share === undefined ? filter : `$share/${share}/${filter}`

async function subscribeAll(changes: readonly Wanted[]): Promise<SessionRecords> {
  const clientIds = [...new Set(changes.map((change) => change.clientId))]
  const sessions = clientIds.map(
    (id, index): StoredSession => ({
      id: index + 1,
      clientId: id,
      username: '',
      expirySeconds: 1,
      endsAt: 0,
      sent: 0,
    }),
  )
  const records = new SessionRecords(store, { ...emptyState, sessions }, () => undefined)
  for (const { clientId, options, ...named } of changes) {
    const record = await records.require(clientId)
    if (!options) await records.unsubscribe(record, [nameOf(named)])
    else {
      const more = { session: record.id, retainHandling: 0, retainedFrom: undefined, retainedBefore: undefined }
      await records.subscribe(record, [{ ...more, ...options, filter: nameOf(named) }], () => false)
    }
  }
  return records
}

/** The last word of each client on each filter that matches. */
function currentOf(changes: readonly Wanted[], published: string): Wanted[] {
  return changes.filter((change, index) => {
    const isSame = (other: Wanted) => other.clientId === change.clientId && nameOf(other) === nameOf(change)
    return change.options && !changes.slice(index + 1).some(isSame) && matches(change.filter, published)
  })
}

const show = ({ record, qos, retain, identifiers, share }: Target) =>
  JSON.stringify([record.clientId, share ?? '', qos, retain, [...identifiers].sort()])

test('a message goes to all who subscribe, as an obvious look at all subscriptions says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wanted, { maxLength: 25 }), published, async (changes, message) => {
      const records = await subscribeAll(changes)
      const targets = targetsOf(records.match(message.topic), { ...message, fits: () => true })
      const current = currentOf(changes, message.topic)

      const own = current.filter(({ share }) => share === undefined)
      const heard = own.filter(({ clientId, options }) => !(options?.noLocal && clientId === message.publisher))
      const expected = [...Map.groupBy(heard, ({ clientId }) => clientId)].map(([id, theirs]) => {
        const options = theirs.flatMap((change) => change.options ?? [])
        return JSON.stringify([
          id,
          '',
          Math.min(message.qos, Math.max(...options.map((option) => option.qos))),
          message.retain && options.some((option) => option.retainAsPublished),
          options.flatMap(({ identifier }) => identifier ?? []).sort(),
        ])
      })
      assert.deepEqual(
        targets
          .filter((target) => target.share === undefined)
          .map(show)
          .sort(),
        expected.sort(),
      )

      // Everybody is away: what has QoS 0 in the end is for nobody.
      const shared = current.filter(({ share, options }) => share !== undefined && options && options.qos > 0)
      const groups = Map.groupBy(message.qos > 0 ? shared : [], nameOf)
      const copies = targets.filter((target) => target.share !== undefined)
      assert.deepEqual(copies.map((target) => target.share).sort(), [...groups.keys()].sort())
      for (const copy of copies) {
        const chosen = groups.get(copy.share ?? '')?.find((change) => change.clientId === copy.record.clientId)
        assert.ok(chosen?.options, 'it is a member')
        const { identifier, retainAsPublished, qos: granted } = chosen.options
        assert.equal(copy.qos, Math.min(granted, message.qos))
        assert.equal(copy.retain, message.retain && retainAsPublished)
        assert.deepEqual(copy.identifiers, identifier === undefined ? [] : [identifier])
      }
    }),
    { numRuns: 500 },
  )
})

test('members of a shared subscription get their turns: nobody twice before everybody once', async () => {
  const member = fc.uniqueArray(clientId, { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(member, fc.integer({ min: 1, max: 20 }), async (members, rounds) => {
      const options = { qos: 1, noLocal: false, retainAsPublished: false, identifier: undefined } as const
      const records = await subscribeAll(members.map((id) => ({ clientId: id, share: 'x', filter: 'a', options })))
      const message = { topic: 'a', qos: 1, retain: false, publisher: undefined, fits: () => true } as const
      const chosen = Array.from({ length: rounds }, () => targetsOf(records.match('a'), message)[0]?.record.clientId)
      for (let start = 0; start < rounds; start++) {
        const turn = chosen.slice(start, start + members.length)
        assert.equal(new Set(turn).size, turn.length)
      }
    }),
    { numRuns: 100 },
  )
})

test('a message goes past members whose queues are full, as long as one has room', async () => {
  const options = { qos: 1, noLocal: false, retainAsPublished: false, identifier: undefined } as const
  const records = await subscribeAll(
    ['one', 'two', 'three'].map((id) => ({ clientId: id, share: 'x', filter: '#', options })),
  )
  const among = (...roomy: readonly string[]): Published => ({
    topic: 'a',
    qos: 1,
    retain: false,
    publisher: undefined,
    fits: ({ clientId }: SessionRecord) => roomy.includes(clientId),
  })
  const choose = (message: Published) => targetsOf(records.match('a'), message).map(({ record }) => record.clientId)
  for (let round = 0; round < 3; round++) assert.deepEqual(choose(among('two')), ['two'])
  // Then it is missed, and somebody has to be told.
  assert.equal(choose(among()).length, 1)
})
