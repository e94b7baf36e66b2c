import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parsePasswordHash, verifyPassword } from '../broker/passwords.ts'

const pem = (name: string): string => `-----BEGIN X-----\n${Buffer.from(name).toString('base64')}\n-----END X-----\n`
const identity = (name: string) => ({ certificate: pem(`${name} certificate`), privateKey: pem(`${name} key`) })
const secrets = {
  authorities: pem('authorities'),
  broker: identity('broker'),
  proxy: identity('proxy'),
  health: identity('health'),
  passwords: { try: '$scrypt$ln=15,r=8,p=1$c2FsdA$aGFzaA' },
  volume: '4711',
}

test('each service gets what is its own, readable by root only', (t) => {
  const directory = temporary(t)
  assert.equal(run(directory, JSON.stringify(secrets)).status, 0)
  assert.deepEqual(readdirSync(directory).sort(), ['broker', 'health', 'nginx', 'volume'])
  assert.equal(readFileSync(join(directory, 'volume'), 'utf8'), '4711\n')
  assert.deepEqual(list(directory, 'broker'), [
    'authorities.pem',
    'broker.crt',
    'broker.key',
    'passwords.json',
    'proxy.crt',
  ])
  assert.deepEqual(list(directory, 'nginx'), ['authorities.pem', 'proxy.crt', 'proxy.key'])
  assert.equal(readFileSync(join(directory, 'nginx/proxy.key'), 'utf8'), secrets.proxy.privateKey)
  assert.equal(readFileSync(join(directory, 'volume'), 'utf8'), '4711\n')
  for (const room of ['broker', 'health', 'nginx'])
    for (const name of list(directory, room))
      assert.equal(statSync(join(directory, room, name)).mode & 0o777, 0o600, name)
})

test('the health check gets a password of its own, and the broker its hash', async (t) => {
  const directory = temporary(t)
  run(directory, JSON.stringify(secrets))
  const passwords = JSON.parse(readFileSync(join(directory, 'broker/passwords.json'), 'utf8'))
  assert.deepEqual(Object.keys(passwords), ['try', 'skerry-health'])
  const hash = parsePasswordHash(passwords['skerry-health'])
  assert.ok(hash)
  assert.equal(await verifyPassword(readFileSync(join(directory, 'health/password')), hash), true)
})

test('stored again, no file is written; a changed secret changes its own files only', (t) => {
  const directory = temporary(t)
  run(directory, JSON.stringify(secrets))
  const before = inodes(directory)
  run(directory, JSON.stringify(secrets))
  assert.deepEqual(inodes(directory), before)
  run(directory, JSON.stringify({ ...secrets, health: identity('other') }))
  const changed = Object.entries(inodes(directory)).filter(([path, inode]) => before[path] !== inode)
  assert.deepEqual(changed.map(([path]) => path).sort(), ['health/health.crt', 'health/health.key'])
})

test('secrets that do not fit store nothing and say why', (t) => {
  const directory = temporary(t)
  const { status, stderr } = run(directory, JSON.stringify({ ...secrets, proxy: undefined }))
  assert.equal(status, 1)
  assert.match(stderr, /^secrets: the release's secrets do not fit: proxy /)
  assert.deepEqual(readdirSync(directory), [])
})

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'skerry-secrets-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

function run(directory: string, input: string) {
  const script = new URL('store-secrets.ts', import.meta.url).pathname
  return spawnSync(process.execPath, [script, directory], { input, encoding: 'utf8' })
}

const list = (directory: string, room: string): string[] => readdirSync(join(directory, room)).sort()

function inodes(directory: string): Record<string, number> {
  const paths = readdirSync(directory, { recursive: true }).map(String)
  const files = paths.filter((path) => statSync(join(directory, path)).isFile())
  return Object.fromEntries(files.map((path) => [path, statSync(join(directory, path)).ino]))
}
