import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'

test('without a sandbox it says how to get one, and writes nothing', async () => {
  // 79: an instance that nobody stands.
  const { exitCode, stdout, stderr } = await execa(process.execPath, [join(import.meta.dirname, 'changes.ts')], {
    env: { SKERRY_SANDBOX: '79' },
    reject: false,
  })
  assert.equal(exitCode, 1)
  assert.equal(stdout, '')
  assert.equal(stderr, 'Sandbox 79 does not stand: run "npm run sandbox" first')
})
