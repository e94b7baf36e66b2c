import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderSandboxReport } from './sandbox-report.ts'

const machine = { processor: 'A|B', cores: 2, memory: 4, kernel: '6.1', system: 'Debian', node: 'v24.0.0' }

test('the parts of a scenario and its rest add up to the whole', () => {
  const text = renderSandboxReport({
    date: '2026-11-22',
    machine,
    pulumi: '3.270.0',
    scenarios: [
      {
        name: 'warm',
        meaning: 'all cached',
        seconds: 10,
        parts: [
          { title: 'one', seconds: 2.5 },
          { title: 'a | b', seconds: 7 },
        ],
      },
    ],
  })
  assert.match(text, /^\| warm \| 10\.0 \| all cached \|$/m)
  assert.match(text, /^\| one \| 2\.5 \|$/m)
  assert.match(text, /^\| a \\\| b \| 7\.0 \|$/m)
  assert.match(text, /^\| the rest: .* \| 0\.5 \|$/m)
})

test('a scenario without parts has no section of its own', () => {
  const scenarios = [{ name: 'down', meaning: 'removed', seconds: 1, parts: [] }]
  assert.doesNotMatch(renderSandboxReport({ date: '', machine, pulumi: '', scenarios }), /^## /m)
})
