import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matches } from '../topics.ts'
import { leap } from './retained-walk.ts'
import { SubscriptionIndex } from './subscription-index.ts'

// Few names, so that much matches; some sort before '/', one is no ASCII, one is made of two UTF-16 units.
const name = fc.constantFrom('', 'a', 'b', 'a-', 'a!', 'a0', '$a', 'ä', '\u{1f980}', '\uffee')
const topic = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(name, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([names, isOpen]) => (isOpen || names.length === 0 ? [...names, '#'] : names).join('/'))

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Visits a sorted list as the store does. */
function walk(sorted: readonly string[], wanted: string): { found: string[]; steps: number } {
  const found: string[] = []
  let from: string | undefined = ''
  let steps = 0
  while (from !== undefined) {
    const bound: string = from
    const next = sorted.find((candidate) => byBytes(candidate, bound) >= 0)
    if (next === undefined) break
    steps++
    if (matches(wanted, next)) found.push(next)
    from = leap(wanted, next)
    assert.ok(from === undefined || byBytes(from, next) > 0, 'it goes on')
  }
  return { found, steps }
}

test('a walk finds exactly the topics under a filter', () => {
  fc.assert(
    fc.property(fc.uniqueArray(topic, { maxLength: 60 }), filter, (topics, wanted) => {
      const sorted = [...topics].sort(byBytes)
      const expected = sorted.filter((candidate) => matches(wanted, candidate))
      assert.deepEqual(walk(sorted, wanted).found, expected)
    }),
    { numRuns: 2_000 },
  )
})

test('a walk visits what it needs, not everything', () => {
  const topics: string[] = []
  for (let site = 0; site < 20; site++)
    for (let value = 0; value < 50; value++) topics.push(`site/${site}/value/${value}`)
  const sorted = topics.sort(byBytes)
  assert.ok(walk(sorted, 'site/7/#').steps <= 52)
  assert.ok(walk(sorted, 'site/+/value/9').steps <= 3 * 20 + 2)
  assert.ok(walk(sorted, 'nowhere/#').steps <= 1)
  assert.equal(walk(sorted, 'site/+/value/9').found.length, 20)
})

test('the index finds exactly the subscriptions under which a topic falls', () => {
  const key = fc.constantFrom('one', 'two', '__proto__', 'constructor')
  fc.assert(
    fc.property(fc.array(fc.tuple(filter, key, fc.boolean()), { maxLength: 40 }), topic, (changes, published) => {
      const index = new SubscriptionIndex<string>()
      const expected = new Map<string, string>()
      for (const [wanted, holder, isThere] of changes) {
        const value = JSON.stringify([wanted, holder])
        if (isThere) {
          index.set(wanted, holder, value)
          expected.set(value, wanted)
        } else {
          index.delete(wanted, holder)
          expected.delete(value)
        }
      }
      assert.equal(index.size, expected.size)
      const matching = [...expected].filter(([, wanted]) => matches(wanted, published)).map(([value]) => value)
      assert.deepEqual(index.match(published).sort(), matching.sort())
    }),
    { numRuns: 2_000 },
  )
})
