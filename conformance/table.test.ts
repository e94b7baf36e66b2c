import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Statement } from './statements.ts'
import { judge, ofSection, type Reasons, render } from './table.ts'
import { titleOf } from './titles.ts'

const list: readonly Statement[] = [
  { version: '3.1.1', id: 'MQTT-3.1.2-2', isBreakable: true, subject: 'one' },
  { version: '3.1.1', id: 'MQTT-3.10.1-1', isBreakable: true, subject: 'two' },
  { version: '5.0', id: 'MQTT-3.1.2-2', isBreakable: true, subject: 'three' },
  { version: '5.0', id: 'MQTT-3.1.2-7', isBreakable: false, subject: 'four' },
]
const none: Reasons = { '3.1.1': {}, '5.0': {} }
const reasons: Reasons = { '3.1.1': {}, '5.0': { 'MQTT-3.1.2-2': 'Because.' } }
const all = titleOf(['MQTT-3.1.2-2', 'MQTT-3.10.1-1'], '3.1.1', 'does it')
const passed = { name: all, result: 'passed' } as const

test('a table where each statement has a passed test, a reason, or is for clients only, has no faults', () => {
  const table = judge(list, reasons, [passed])
  assert.deepEqual(table.faults, [])
  assert.deepEqual(
    table.rows.map(({ verdict }) => verdict),
    ['passed', 'passed', 'reason', "client's"],
  )
  assert.match(
    render(table),
    /^MQTT 5\.0: 2 statements, of which a server can break 1, 0 passed, .* 0 missing, 1 with a reason$/m,
  )
})

test('a test of one version does not count for the other', () => {
  assert.deepEqual(judge(list, none, [passed]).faults, ['MQTT-3.1.2-2 (5.0) has neither a test nor a reason.'])
})

test('of several tests of a statement the worst counts', () => {
  const failed = { name: titleOf(['MQTT-3.1.2-2'], '3.1.1', 'does more'), result: 'failed' } as const
  const table = judge(list, reasons, [passed, failed, passed])
  assert.equal(table.rows[0]?.verdict, 'failed')
  assert.deepEqual(table.faults, ['failed: MQTT-3.1.2-2 (3.1.1): does more'])
})

test('a statement of which all tests are skipped is a fault', () => {
  const skipped = { ...passed, result: 'skipped' } as const
  assert.deepEqual(judge(list, reasons, [passed, skipped]).faults, [])
  assert.deepEqual(judge(list, reasons, [skipped]).faults, [
    'MQTT-3.1.2-2 (3.1.1) was skipped.',
    'MQTT-3.10.1-1 (3.1.1) was skipped.',
  ])
})

test('what names no statement, or one that there is not, is a fault', () => {
  const names = [titleOf(['MQTT-9.9.9-9'], '5.0', 'does it'), 'does it', 'MQTT-3.1.2-2 (4): does it']
  const { faults } = judge(list, reasons, [passed, ...names.map((name) => ({ name, result: 'passed' }) as const)])
  assert.equal(faults.length, 3)
  assert.match(faults.join('\n'), /MQTT 5\.0 has no statement MQTT-9\.9\.9-9/)
})

test('a file that fails before its tests is a fault', () => {
  assert.deepEqual(judge(list, reasons, [passed, { name: 'tests/x.test.ts', result: 'failed' }]).faults, [
    'failed: tests/x.test.ts',
  ])
})

test('a reason is a fault where there is a test, and where there is no statement', () => {
  const more = { '3.1.1': { 'MQTT-3.1.2-2': 'Because.', 'MQTT-9.9.9-9': 'Because.' }, '5.0': reasons['5.0'] }
  const { faults } = judge(list, more, [passed])
  assert.deepEqual(faults, [
    'MQTT-3.1.2-2 (3.1.1) has a test, so it needs no reason.',
    'MQTT 3.1.1 has no statement MQTT-9.9.9-9; it has a reason.',
  ])
})

test('a section leaves out what only begins like it', () => {
  const broken = { name: 'tests/x.test.ts', result: 'failed' } as const
  const table = ofSection(judge(list, none, [broken]), '3.1')
  assert.deepEqual(
    table.rows.map(({ statement }) => statement.subject),
    ['one', 'three', 'four'],
  )
  assert.deepEqual(table.faults, [
    'failed: tests/x.test.ts',
    'MQTT-3.1.2-2 (3.1.1) has neither a test nor a reason.',
    'MQTT-3.1.2-2 (5.0) has neither a test nor a reason.',
  ])
})
