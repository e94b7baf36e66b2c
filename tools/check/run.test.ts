import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failed, NotRun, passed } from './outcome.ts'
import { type Check, exitStatus, runChecks, summary } from './run.ts'

const good: Check = { name: 'good', purpose: '', run: async () => passed }
const bad: Check = { name: 'bad', purpose: '', run: async () => failed('why') }
const absent: Check = {
  name: 'absent',
  purpose: '',
  run: async () => {
    throw new NotRun('no root here', 'become root')
  },
}
const ignore = () => {}

test('the summary counts each kind, and what did not run fails only where everything must', async () => {
  const complete = await runChecks([good, good], 2, ignore)
  assert.equal(summary(complete), '2 passed')
  assert.deepEqual([exitStatus(complete, false), exitStatus(complete, true)], [0, 0])

  const partial = await runChecks([good, absent], 2, ignore)
  assert.equal(summary(partial), '1 passed, 1 not run')
  assert.deepEqual([exitStatus(partial, false), exitStatus(partial, true)], [0, 1])
  assert.deepEqual(partial[1]?.outcome, { kind: 'not run', reason: 'no root here', remedy: 'become root' })

  const broken = await runChecks([bad, good], 2, ignore)
  assert.equal(summary(broken), '1 passed, 1 failed')
  assert.deepEqual([exitStatus(broken, false), exitStatus(broken, true)], [1, 1])
})

test('a check that throws has failed and does not stop the others', async () => {
  const crash: Check = { name: 'crash', purpose: '', run: () => Promise.reject(new Error('boom')) }
  const reported: string[] = []
  const results = await runChecks([crash, good], 1, ({ name }) => reported.push(name))
  assert.deepEqual(reported, ['crash', 'good'])
  assert.deepEqual(
    results.map(({ outcome }) => outcome.kind),
    ['failed', 'passed'],
  )
})

test('no more checks run at a time than allowed', async () => {
  let running = 0
  let most = 0
  const slow: Check = {
    name: 'slow',
    purpose: '',
    run: async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise(setImmediate)
      running -= 1
      return passed
    },
  }
  await runChecks([slow, slow, slow, slow, slow], 2, ignore)
  assert.equal(most, 2)
})
