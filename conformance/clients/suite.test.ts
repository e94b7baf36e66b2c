import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startBroker } from './brokers.ts'
import { Program } from './program.ts'
import type { Scenario } from './scenario.ts'
import { playAll } from './suite.ts'
import { renderTable } from './table.ts'

const client = { command: process.execPath, args: [new URL('drivers/mqtt-js.ts', import.meta.url).pathname] }

async function playWith(t: TestContext, start: typeof client, scenario: Omit<Scenario, 'name'>) {
  const { way, cleanup } = await startBroker()
  const program = new Program(start)
  t.after(async () => {
    await program.stop()
    await cleanup()
  })
  const blindSpots = { 'session present': 'it does not look' }
  const [outcome] = await playAll([{ name: 'one', ...scenario }], 5, way, program, blindSpots)
  return outcome
}

test('a scenario passes if all is seen, and says what the client could not look at', async (t) => {
  const outcome = await playWith(t, client, {
    async run(stage) {
      const { connected } = await stage.connect()
      assert.equal(connected.reasonCode, 0)
      stage.check('session present', connected.sessionPresent, 'anything')
    },
  })
  assert.deepEqual(outcome, { kind: 'passed', blind: ['it does not look'] })
})

test('a scenario fails if something else is seen', async (t) => {
  const outcome = await playWith(t, client, {
    async run(stage) {
      const { connected } = await stage.connect({ transport: 'tcp', password: 'wrong' })
      assert.equal(connected.reasonCode, 0)
    },
  })
  assert.deepEqual(outcome, { kind: 'failed', reason: 'seen: 134; expected: 0' })
})

test('a scenario fails with what a client program said that has ended', async (t) => {
  const broken = { command: process.execPath, args: ['-e', 'throw new Error("no library")'] }
  const outcome = await playWith(t, broken, { run: async (stage) => void (await stage.connect()) })
  assert.equal(outcome?.kind, 'failed')
  assert.match(outcome.reason, /the client program ended: /)
})

test('a scenario that the client cannot express, or that the version does not have, is not run', async (t) => {
  const run = () => assert.fail('it was run')
  assert.deepEqual(await playWith(t, client, { needs: ['session present'], run }), {
    kind: 'impossible',
    reason: 'it does not look',
  })
  assert.deepEqual(await playWith(t, client, { versions: [4], run }), { kind: 'absent' })
})

test('the table shows each outcome, what is left out and why, and failures', () => {
  const scenarios = [{ name: 'first' }, { name: 'second' }, { name: 'third' }]
  const table = renderTable(scenarios, [
    { title: 'a 5', outcomes: [{ kind: 'passed', blind: [] }, { kind: 'failed', reason: 'lost' }, { kind: 'absent' }] },
    {
      title: 'b 5',
      outcomes: [
        { kind: 'passed', blind: ['blind'] },
        { kind: 'impossible', reason: 'cannot' },
        { kind: 'impossible', reason: 'blind' },
      ],
    },
  ])
  assert.deepEqual(table.split('\n'), [
    '        a 5     b 5',
    'first   ok      ok 1',
    'second  FAILED  - 2',
    'third           - 1',
    '',
    'ok N: passed, but for what N says; - N: not possible',
    '  1 blind',
    '  2 cannot',
    '',
    'FAILED a 5: second',
    '  lost',
  ])
})
