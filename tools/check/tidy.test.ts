import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { workTree } from './fixture.ts'
import { checkTree } from './tidy.ts'

// Put together here, so that this file itself holds no such path.
const home = ['', 'home', 'me', 'notes'].join('/')

test('an absolute path of a home directory or of the work tree itself fails, with its place', async (t) => {
  const directory = await workTree(t, {
    'a.md': `one\nsee ${home}\n`,
    'b.md': '/etc/nginx and ./home/x/y and /home/ are fine\n',
  })
  const outcome = await checkTree(directory)
  assert.equal(outcome.kind, 'failed')
  assert.match(outcome.kind === 'failed' ? outcome.output : '', /^a\.md:2: an absolute path[^\n]*$/)

  const other = await workTree(t, {})
  await writeFile(`${other}/c.txt`, `cd ${other}/infra\n`)
  assert.equal((await checkTree(other)).kind, 'failed')
})

test('a lock file that names a registry fails, one without passes', async (t) => {
  const named = '{\n"resolved": "https://registry.example/a.tgz"\n}\n'
  assert.equal((await checkTree(await workTree(t, { 'package-lock.json': named }))).kind, 'failed')
  const bare = '{\n"integrity": "sha512-x"\n}\n'
  assert.deepEqual(await checkTree(await workTree(t, { 'package-lock.json': bare })), { kind: 'passed' })
})

test('a source file of 251 lines is named, one of 250 is not', async (t) => {
  const directory = await workTree(t, { 'long.ts': '\n'.repeat(251), 'fits.ts': '\n'.repeat(250) })
  assert.deepEqual(await checkTree(directory), { kind: 'passed', note: 'longer than 250 lines: long.ts (251)' })
})
