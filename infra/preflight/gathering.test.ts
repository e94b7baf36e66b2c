import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Gathering } from './gathering.ts'
import { fine, refused } from './verdict.ts'

const message = (running: Promise<void>) =>
  running.then(
    () => 'passed',
    (error: Error) => error.message,
  )

it('what is refused at the same time is told by the first, once', async () => {
  const gathering = new Gathering()
  const slow = async () => {
    await turn()
    return refused('b')
  }
  const outcomes = [
    message(gathering.run(async () => refused('a'))),
    message(gathering.run(slow)),
    message(gathering.run(async () => refused('a'))),
    message(gathering.run(async () => fine)),
  ]
  const told = await Promise.all(outcomes)
  assert.equal(told.filter((text) => text === 'a\n\nb').length, 1)
  assert.equal(told.filter((text) => text === 'refused for a reason that is given with another resource').length, 2)
  assert.equal(told[3], 'passed')
})

it('what is refused later is told later', async () => {
  const gathering = new Gathering()
  assert.equal(await message(gathering.run(async () => refused('a'))), 'a')
  assert.equal(await message(gathering.run(async () => refused('b'))), 'b')
  assert.match(await message(gathering.run(async () => refused('a'))), /given with another resource/)
  assert.equal(await message(gathering.run(async () => fine)), 'passed')
})

it('a check that fails is a refusal', async () => {
  const gathering = new Gathering()
  const failing = async () => {
    throw new Error('The API does not work.')
  }
  assert.equal(await message(gathering.run(failing)), 'The API does not work.')
})
