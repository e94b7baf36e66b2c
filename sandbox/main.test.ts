import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { execa } from 'execa'

// An instance that nobody stands: 79 is below those that the machine room's tests take.
const sandbox = (...parameters: string[]) =>
  execa(process.execPath, [join(import.meta.dirname, 'main.ts'), ...parameters], {
    env: { SKERRY_SANDBOX: '79' },
    reject: false,
  })
const isRootOnLinux = process.platform === 'linux' && process.getuid?.() === 0

test('help names every command and shows examples', async () => {
  const { exitCode, stdout } = await sandbox('--help')
  assert.equal(exitCode, 0)
  for (const command of ['up', 'down', 'status', 'logs', 'ssh', 'root', 'pulumi']) {
    assert.match(stdout, new RegExp(`^  ${command} `, 'm'))
  }
  assert.match(stdout, /Examples:/)
})

test('a mistyped command does nothing but name the one that was meant', async () => {
  const { exitCode, stderr } = await sandbox('stauts')
  assert.equal(exitCode, 1)
  assert.match(stderr, /unknown command 'stauts'/)
  assert.match(stderr, /Did you mean status\?/)
})

test('an unknown option is refused', async () => {
  const { exitCode, stderr } = await sandbox('up', '--fast')
  assert.equal(exitCode, 1)
  assert.match(stderr, /unknown option '--fast'/)
})

test('a number that is none is refused with what may be given', async () => {
  const { exitCode, stderr } = await execa(process.execPath, [join(import.meta.dirname, 'main.ts'), 'status'], {
    env: { SKERRY_SANDBOX: '100' },
    reject: false,
  })
  assert.equal(exitCode, 1)
  if (isRootOnLinux) assert.match(stderr, /SKERRY_SANDBOX is "100": give a whole number from 0 to 99/)
})

test('where nothing stands, each command says how to stand it, in one line', {
  skip: !isRootOnLinux && 'needs root on Linux',
}, async () => {
  for (const parameters of [['ssh'], ['root', 'id'], ['pulumi', 'preview'], ['logs']]) {
    const { exitCode, stderr } = await sandbox(...parameters)
    assert.equal(exitCode, 1)
    assert.match(stderr.trim(), /^[^\n]*run "npm run sandbox" first$/)
  }
})

test('status tells programs that nothing stands', { skip: !isRootOnLinux && 'needs root on Linux' }, async () => {
  const { exitCode, stdout } = await sandbox('status', '--json')
  assert.equal(exitCode, 1)
  assert.deepEqual(JSON.parse(stdout), { instance: 79, state: 'absent', closed: {}, server: [] })
})

test('without root it says what to do', { skip: !isRootOnLinux && 'needs root on Linux' }, async () => {
  const { exitCode, stderr } = await execa('node', [join(import.meta.dirname, 'main.ts'), 'down'], {
    uid: 65534,
    reject: false,
  })
  assert.equal(exitCode, 1)
  assert.match(stderr, /needs root: run it with sudo/)
})
