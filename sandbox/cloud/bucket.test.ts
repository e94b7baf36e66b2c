import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bucket } from './bucket.ts'

test('a bucket gives what it has and then one a period', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 5_000 })
  const bucket = new Bucket(2, 1000)
  assert.deepEqual([bucket.take(), bucket.take(), bucket.take(), bucket.remaining], [true, true, false, 0])
  assert.equal(bucket.fullAt, 7)
  t.mock.timers.tick(999)
  assert.equal(bucket.take(), false)
  t.mock.timers.tick(1)
  assert.deepEqual([bucket.take(), bucket.take()], [true, false])
  t.mock.timers.tick(60_000)
  assert.deepEqual([bucket.take(), bucket.remaining], [true, 1])
})

test('parts of a period are not lost between requests', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 5_000 })
  const bucket = new Bucket(2, 1000)
  bucket.take()
  bucket.take()
  for (let step = 0; step < 3; step++) {
    t.mock.timers.tick(600)
    bucket.take()
  }
  // 1.8 periods: one came back and was taken, the next is due in 0.2
  assert.equal(bucket.remaining, 0)
  t.mock.timers.tick(200)
  assert.equal(bucket.take(), true)
})

test('a clock that is set back gives nothing away and locks nobody out', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 60_000 })
  const bucket = new Bucket(1, 1000)
  assert.equal(bucket.take(), true)
  t.mock.timers.setTime(10_000)
  assert.equal(bucket.take(), false)
  t.mock.timers.setTime(11_000)
  assert.equal(bucket.take(), true)
})
