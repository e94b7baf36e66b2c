import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Gathering } from './gathering.ts'
import { fine, refused, type Verdict } from './verdict.ts'

const message = (running: Promise<void>) =>
  running.then(
    () => 'passed',
    (error: Error) => error.message,
  )

it('what is refused at the same time is told together, each at its own resource, and what is the same once', async () => {
  const gathering = new Gathering()
  const outcomes: string[] = []
  const told = (check: () => Promise<Verdict>) =>
    message(gathering.run(check)).then((text) => {
      outcomes.push(text)
      return text
    })
  const slow = async () => {
    await turn()
    assert.deepEqual(outcomes, [], 'told before all were heard')
    return refused('b')
  }
  const other = 'refused for a reason that is given with another resource'
  const checks = [async () => refused('a'), slow, async () => refused('a'), async () => fine]
  assert.deepEqual(await Promise.all(checks.map(told)), ['a', 'b', other, 'passed'])
})

it('what is refused later is told later, and not again', async () => {
  const gathering = new Gathering()
  const both = async () => ({ refusals: ['a', 'c'] })
  assert.equal(await message(gathering.run(async () => refused('a'))), 'a')
  assert.equal(await message(gathering.run(async () => refused('b'))), 'b')
  assert.equal(await message(gathering.run(both)), 'c')
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
