import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mayPublish, mayReceive, maySubscribe } from './rights.ts'
import { isTopicFilter, isTopicName, matches } from './topics.ts'
import { isUsername } from './usernames.ts'

const limits = { topicLength: 20, topicLevels: 4 }

test('topic names and filters', () => {
  for (const topic of ['a', '/', 'a//b', 'a/b/c/d', ' ', '$x', 'ä'.repeat(20)])
    assert.ok(isTopicName(topic, limits), topic)
  for (const topic of ['', 'a/b/c/d/e', 'a\0', '+', '#', 'a+', 'a/#', 'a'.repeat(21)])
    assert.ok(!isTopicName(topic, limits), topic)
  for (const filter of ['#', '+', 'a/#', '+/a/#', 'a/+/b', '/+', '+/+/+/#'])
    assert.ok(isTopicFilter(filter, limits), filter)
  for (const filter of ['', 'a#', '#/a', 'a/#/b', 'a+', '+a', 'a/b+/c', '##', '++', 'a/+#']) {
    assert.ok(!isTopicFilter(filter, limits), filter)
  }
})

test('a filter matches as the standard says', () => {
  const matching = [
    'a/b a/b',
    'a/# a',
    'a/# a/',
    'a/# a/b/c',
    '# a/b',
    '+ a',
    '+/+ /a',
    '/+ /a',
    'a/+ a/',
    '+/b a/b',
    '$a/# $a/b',
    '$a/+ $a/b',
  ]
  const others = [
    'a/b a/c',
    'a/b a',
    'a a/',
    'a/+ a',
    'a/+ a/b/c',
    '+ /a',
    '# $a/b',
    '+/b $a/b',
    'a/# ab',
    'A a',
    'a/+/c a/b',
    '+ a/',
  ]
  for (const pair of matching) assert.ok(matches(pair.split(' ')[0] ?? '', pair.split(' ')[1] ?? ''), pair)
  for (const pair of others) assert.ok(!matches(pair.split(' ')[0] ?? '', pair.split(' ')[1] ?? ''), pair)
})

test('usernames', () => {
  for (const name of ['a', '7', 'try', 'skerry-health', 'A.b_c@d-e', 'constructor', 'a'.repeat(64)])
    assert.ok(isUsername(name), name)
  const wrong = [
    '',
    'a/b',
    'a+',
    '#',
    '$SYS',
    '$a',
    '_a',
    '__proto__',
    '-a',
    '.',
    '..',
    'a b',
    'a\0',
    'a\n',
    '\na',
    'ä',
    'a'.repeat(65),
  ]
  for (const name of wrong) assert.ok(!isUsername(name), JSON.stringify(name))
})

const level = fc.constantFrom('try', 'other', 'tr', 'try2', '', '$SYS', '$CONTROL', '$share', '+', '#', 'a')
const path = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const wide = { topicLength: 100, topicLevels: 10 }

test('what a user may subscribe to never matches what it may not receive', () => {
  const user = { name: 'try', administrator: false }
  fc.assert(
    fc.property(path, path, (filter, topic) => {
      if (!isTopicFilter(filter, wide) || !isTopicName(topic, wide)) return
      if (!maySubscribe(user, filter) || !matches(filter, topic)) return
      assert.ok(mayReceive(user, topic))
      assert.ok(mayPublish(user, topic))
    }),
    { numRuns: 5_000 },
  )
})

test('two users have no topic in common, and nobody speaks for the broker', () => {
  fc.assert(
    fc.property(path, (topic) => {
      const rights = ['try', 'other'].map((name) => mayPublish({ name, administrator: false }, topic))
      assert.ok(!(rights[0] && rights[1]))
      if (/^\$(SYS|CONTROL|share)(\/|$)/.test(topic))
        assert.ok(!mayPublish({ name: 'admin', administrator: true }, topic))
    }),
    { numRuns: 5_000 },
  )
})
