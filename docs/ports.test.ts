import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ports } from '../infra/ports.ts'

test('the table of ports says what the list of ports says, no more and no less', () => {
  const page = readFileSync(new URL('ports.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| (\d.*) \|$/gm)].map(([, row = '']) => row.split('|').map((cell) => cell.trim()))
  const audiences = { everyone: 'everyone', operators: 'the configured SSH networks' }
  assert.deepEqual(
    rows,
    ports.map(({ number, name, audience, purpose }) => [`${number}`, name, audiences[audience], purpose]),
  )
})
