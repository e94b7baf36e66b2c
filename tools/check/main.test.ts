import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'

const check = (...names: string[]) =>
  execa(process.execPath, [join(import.meta.dirname, 'main.ts'), ...names], { reject: false, all: true })

test('the help lists every check and gives examples', async () => {
  const { stdout, exitCode } = await check('--help')
  assert.match(stdout, /Examples:\n {2}npm run check\n/)
  for (const name of ['types', 'lint', 'unused', 'shell', 'tree', 'nginx', 'gixy', 'units', 'firewall', 'cloud-init']) {
    assert.match(stdout, new RegExp(`^  ${name} `, 'm'))
  }
  assert.equal(exitCode, 0)
})

test('a check that does not exist is refused by name, before any runs', async () => {
  const { all, exitCode } = await check('gixy', 'speling')
  assert.match(all, /^There is no check "speling"\. There are: types, lint, /)
  assert.equal(exitCode, 1)
})

test('a check by its name runs alone and is reported with its time', async () => {
  const { stdout, exitCode } = await check('gixy')
  assert.match(stdout, /^passed {3}gixy +\d+\.\d s\n\n1 passed$/)
  assert.equal(exitCode, 0)
})
