import assert from 'node:assert/strict'
import { cp, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { execa } from 'execa'
import { workTree } from './check/fixture.ts'

const good = "import { test } from 'node:test'\ntest('good', () => {})\n"
const bad = "import { test } from 'node:test'\ntest('bad', () => { throw new Error('no') })\n"
const skipped = "import { test } from 'node:test'\ntest('skipped', { skip: true }, () => {})\n"

interface Host {
  readonly user?: number
  readonly platform?: NodeJS.Platform
  readonly CI?: string
}

/** Runs a copy of the test command in a project with these files, as if on such a host. */
async function npmTest(t: TestContext, files: Readonly<Record<string, string>>, args: string[], host: Host = {}) {
  const { user = 0, platform = 'linux', CI = '' } = host
  const disguise = `process.getuid = () => ${user}; Object.defineProperty(process, 'platform', { value: '${platform}' })`
  const directory = await workTree(t, { 'package.json': '{ "type": "module" }', 'disguise.js': disguise, ...files })
  await cp(join(import.meta.dirname, 'test.ts'), join(directory, 'tools/test.ts'))
  await symlink(join(import.meta.dirname, '../node_modules'), join(directory, 'node_modules'))
  // Without the marker of the runner that runs this very test, or the inner runner would refuse.
  const { NODE_TEST_CONTEXT: _, INIT_CWD: __, ...environment } = process.env
  return execa(process.execPath, ['--import=./disguise.js', 'tools/test.ts', ...args], {
    cwd: directory,
    env: { ...environment, CI },
    extendEnv: false,
    reject: false,
  })
}

test('a level by its name runs alone, and its tests are counted', async (t) => {
  const files = { 'a/a.test.ts': good, 'a/b.test.ts': skipped, 'e2e/c.test.ts': good }
  const { stdout, exitCode } = await npmTest(t, files, ['unit'])
  assert.match(stdout, /^unit: 1 passed, 0 failed, 1 skipped in \d+ s$/m)
  assert.doesNotMatch(stdout, /^e2e:/m)
  assert.equal(exitCode, 0)
})

test('one failing test makes the command fail', async (t) => {
  const { stdout, exitCode } = await npmTest(t, { 'a.test.ts': good, 'b.test.ts': bad }, ['unit'])
  assert.match(stdout, /^unit: 1 passed, 1 failed, 0 skipped in \d+ s$/m)
  assert.equal(exitCode, 1)
})

test('paths choose tests, with e2e/ always in its own level', async (t) => {
  const files = { 'a/a.test.ts': good, 'b/b.test.ts': bad, 'e2e/c.test.ts': good, 'e2e/d.test.ts': bad }
  const { stdout, exitCode } = await npmTest(t, files, ['e2e/c.test.ts', 'a'])
  assert.match(stdout, /^unit: 1 passed, 0 failed, 0 skipped in \d+ s\ne2e: 1 passed, 0 failed, 0 skipped in \d+ s$/m)
  assert.equal(exitCode, 0)
})

test('a path without tests is refused by name', async (t) => {
  const { stderr, exitCode } = await npmTest(t, { 'a.test.ts': good, 'a.ts': '' }, ['a.ts'])
  assert.match(stderr, /a\.ts is not a test/)
  assert.equal(exitCode, 1)
  assert.match((await npmTest(t, { 'a.test.ts': good }, ['elsewhere'])).stderr, /no tests at elsewhere/)
})

test('where the end-to-end level cannot run it says why; in CI that fails', async (t) => {
  const files = { 'a.test.ts': good, 'e2e/b.test.ts': good }
  const here = await npmTest(t, files, [], { user: 1000 })
  assert.match(here.stdout, /^unit: 1 passed.*\ne2e: not run: it boots servers, which needs root/m)
  assert.equal(here.exitCode, 0)
  const mac = await npmTest(t, files, [], { platform: 'darwin' })
  assert.match(mac.stdout, /^e2e: not run: it boots Linux servers, and this is darwin/m)
  assert.equal((await npmTest(t, files, [], { user: 1000, CI: 'true' })).exitCode, 1)
  assert.equal((await npmTest(t, files, [], { CI: 'true' })).exitCode, 0)
})
