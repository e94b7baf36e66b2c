import assert from 'node:assert/strict'
import { test } from 'node:test'
import { afterFailure, type FailedAttempts, parseAttempts, waitingTime } from './attempts.ts'

const minute = 60_000
const start = Date.UTC(2026, 0, 1)
const problem = { reason: 'why' }

/** Minutes after the first attempt at which the next ones come when each fails at once. */
function timetable(count: number): number[] {
  let attempts: FailedAttempts | undefined
  let now = start
  return Array.from({ length: count }, () => {
    attempts = afterFailure(attempts, 'l', problem, now)
    now = attempts.next
    return (now - start) / minute
  })
}

test('the first attempts come soon, and no more than five in any hour', () => {
  assert.deepEqual(timetable(4), [1, 4, 13, 40])
  const times = [0, ...timetable(100)]
  for (const from of times)
    assert.ok(times.filter((time) => time >= from && time < from + 60).length <= 5, `from ${from}`)
})

test('after a day the attempts come every six hours, for ever', () => {
  const times = timetable(1000)
  const gaps = times.map((time, index) => time - (times[index - 1] ?? 0))
  assert.deepEqual([gaps[26], gaps[27], gaps[999]], [60, 360, 360])
  assert.ok((times[26] ?? 0) >= 23 * 60 && (times[26] ?? 0) <= 25 * 60)
})

test('a time that the CA names is kept, but not when it is sooner or absurd', () => {
  const next = (retryAfter: number) => afterFailure(undefined, 'l', { ...problem, retryAfter }, start).next - start
  assert.equal(next(start + 100 * minute), 101 * minute)
  assert.equal(next(start - 100 * minute), minute)
  assert.equal(next(Date.UTC(9999, 0, 1)), 8 * 24 * 60 * minute)
})

test('what was written is read back', () => {
  const attempts = afterFailure(undefined, 'l', problem, start)
  assert.deepEqual(parseAttempts(JSON.stringify(attempts), 'l'), attempts)
})

test('another name, another CA or a damaged file begins anew', () => {
  const text = JSON.stringify(afterFailure(undefined, 'l', problem, start))
  assert.equal(parseAttempts(text, 'other'), undefined)
  for (const damaged of [
    '',
    'null',
    '[]',
    text.slice(0, 20),
    text.replace('"count":1', '"count":"1"'),
    text.replace('"count":1', '"count":0'),
  ]) {
    assert.equal(parseAttempts(damaged, 'l'), undefined, damaged)
  }
})

test('a wait outlasts a new start, and ends when a clock was wrong', () => {
  const attempts = afterFailure(undefined, 'l', problem, start)
  assert.equal(waitingTime(attempts, start + 10_000), 50_000)
  assert.equal(waitingTime(attempts, attempts.next + 1), 0)
  assert.equal(waitingTime(attempts, start - 9 * 24 * 60 * minute), 0)
  assert.equal(waitingTime(undefined, start), 0)
})
