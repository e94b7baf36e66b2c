import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Pack, pack } from 'tar-stream'
import { LauncherFixture, missing } from './launcher-fixture.ts'

type HeaderWithName = Parameters<Pack['entry']>[0]

const options = { skip: missing }
const good = 'echo applied >>/run/trace'
const zero = '0'.repeat(64)

test('an archive that does not have its hash is removed and not unpacked', options, async (t) => {
  const server = new LauncherFixture(t)
  const release = await server.uploadRelease(good)
  const runtime = server.upload('runtime', new Uint8Array([1, 2, 3]), zero)
  const { status, stderr } = await server.run(['apply', release, runtime])
  assert.equal(status, 1)
  assert.match(stderr, /does not have the SHA-256 in its name/)
  assert.deepEqual(readdirSync(server.path('opt/skerry/runtimes')), [])
  assert.equal(existsSync(server.path(`var/lib/skerry-incoming/runtime-${zero}.tar.gz`)), false)
  assert.equal(server.read('run/trace'), '')
})

test('a release that was tampered with on its way is not applied', options, async (t) => {
  const server = new LauncherFixture(t)
  const [release, runtime] = [await server.uploadRelease(good), await server.uploadRuntime()]
  const path = server.path(`var/lib/skerry-incoming/release-${release}.tar.gz`)
  writeFileSync(path, readFileSync(path).fill(0x20, 600, 601))
  assert.equal((await server.run(['apply', release, runtime])).status, 1)
  assert.equal(server.read('run/trace'), '')
})

test('a missing upload is asked for, and a link is not followed', options, async (t) => {
  const server = new LauncherFixture(t)
  const runtime = await server.uploadRuntime()
  assert.match(
    (await server.run(['apply', zero, runtime])).stderr,
    /release-0+\.tar\.gz is not there: upload it, with pulumi up --replace '\*\*CopyToRemote::release'/,
  )
  symlinkSync('/etc/passwd', server.path(`var/lib/skerry-incoming/release-${zero}.tar.gz`))
  assert.match((await server.run(['apply', zero, runtime])).stderr, /is not there: upload it, with pulumi up/)
})

const unsafe: Record<string, HeaderWithName> = {
  'a way out': { name: '../../outside' },
  'a hidden way out': { name: 'a/../../outside' },
  'an absolute name': { name: '/outside' },
  'a symbolic link': { name: 'link', type: 'symlink', linkname: '/outside' },
  'a hard link': { name: 'link', type: 'link', linkname: 'apply' },
  'a device': { name: 'device', type: 'character-device', devmajor: 1, devminor: 3 },
  'a pipe': { name: 'pipe', type: 'fifo' },
  'a name of two lines': { name: 'a\n-rw-r--r-- 0/0 1 2020-01-01 00:00:00 b' },
  'a name with a space': { name: 'a b' },
}

for (const [what, header] of Object.entries(unsafe)) {
  test(`an archive that holds ${what} is not unpacked`, options, async (t) => {
    const server = new LauncherFixture(t)
    const release = server.upload('release', await archiveWith(header))
    const { status, stderr } = await server.run(['apply', release, await server.uploadRuntime()])
    assert.equal(status, 1)
    assert.match(stderr, /holds (an unsafe name|something that is neither a file nor a directory)/)
    assert.equal(existsSync(server.path(`opt/skerry/releases/${release}`)), false)
    assert.equal(existsSync(server.path('opt/skerry/outside')), false)
  })
}

test('what is no archive is not unpacked, even with the right hash', options, async (t) => {
  const server = new LauncherFixture(t)
  const release = server.upload('release', gzipSync('no archive'))
  assert.equal((await server.run(['apply', release, await server.uploadRuntime()])).status, 1)
  assert.equal(existsSync(server.path(`opt/skerry/releases/${release}`)), false)
})

test('rights that would raise whoever runs a file are not unpacked', options, async (t) => {
  const server = new LauncherFixture(t)
  const release = server.upload('release', await archiveWith({ name: 'raised', mode: 0o6777, uid: 1234 }, good))
  assert.equal((await server.run(['apply', release, await server.uploadRuntime()])).status, 0)
  const { mode, uid } = statSync(server.path(`opt/skerry/releases/${release}/raised`))
  assert.deepEqual([mode & 0o7777, uid], [0o755, 0])
})

async function archiveWith(header: HeaderWithName, script = 'exit 1'): Promise<Uint8Array> {
  const archive = pack()
  const bytes = buffer(archive)
  archive.entry({ name: 'apply', mode: 0o755 }, `#!/bin/bash\n${script}\n`)
  archive.entry(header, header.type === undefined ? 'content' : '')
  archive.finalize()
  return gzipSync(await bytes)
}
