import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { withEntries, withoutEntries } from './hosts.ts'
import { sandboxInstance } from './instance.ts'

const one = sandboxInstance(1)
const eleven = sandboxInstance(11)

test('an entry names the host and is marked', () => {
  assert.equal(
    withEntries('127.0.0.1 localhost\n', one, ['10.77.1.10']),
    '127.0.0.1 localhost\n10.77.1.10 mqtt.skerry1.test # skerry1 (npm run sandbox -- down removes this line)\n',
  )
})

test('a last line without a line feed is not glued to the entry', () => {
  assert.match(withEntries('127.0.0.1 localhost', one, ['10.77.1.10']), /localhost\n10\.77/)
})

test('a new address takes the place of the old one', () => {
  const twice = withEntries(withEntries('', one, ['10.77.1.10']), one, ['10.77.1.11'])
  assert.equal(twice.match(/mqtt\.skerry1\.test/g)?.length, 1)
  assert.match(twice, /^10\.77\.1\.11 /)
})

test('one instance leaves the line of another alone, also when its number begins the same', () => {
  const both = withEntries(withEntries('', one, ['10.77.1.10']), eleven, ['10.77.11.10'])
  assert.equal(withoutEntries(both, one), withEntries('', eleven, ['10.77.11.10']))
})

test('adding and removing gives back the same bytes, whatever the file holds, but for a missing last line feed', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ended = text === '' || text.endsWith('\n') ? text : `${text}\n`
      assert.equal(withoutEntries(withEntries(text, one, ['10.77.1.10']), one), ended)
    }),
  )
})

test('both kinds of address are entered, each on a line of its own', () => {
  assert.equal(withEntries('', one, ['10.77.1.10', 'fd00::1']).match(/mqtt\.skerry1\.test/g)?.length, 2)
})
