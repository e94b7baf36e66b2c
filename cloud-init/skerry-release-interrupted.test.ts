import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { LauncherFixture, missing } from './launcher-fixture.ts'

const options = { skip: missing }
const good = 'cat >>/run/trace'

test('killed before any of its commands, it leaves nothing that the next run trips over', options, async (t) => {
  const server = new LauncherFixture(t)
  const [first, runtime] = [await server.uploadRelease(good), await server.uploadRuntime()]
  assert.equal((await server.run(['apply', first, runtime], 'first')).status, 0)
  // Sourced by bash before the script: counts commands, and the kill cannot be caught.
  writeFileSync(server.path('run/killer'), `set -o functrace; trap '((++count < KILL_AT)) || kill -KILL $$' DEBUG\n`)

  let killed = 0
  // Not at each of the commands, for the time it takes.
  for (let at = 3; ; at += 5) {
    const release = await server.uploadRelease(`${good} # ${at}`)
    const newRuntime = await server.uploadRuntime(`node ${at}`)
    const words = ['apply', release, newRuntime]
    const { ended } = server.start(words, 'second', { BASH_ENV: '/run/killer', KILL_AT: String(at) })
    if ((await ended).status === 0) break
    killed += 1
    // Uploaded again, as the next `pulumi up` does with what did not arrive.
    if (!existsSync(server.path(`opt/skerry/releases/${release}`))) await server.uploadRelease(`${good} # ${at}`)
    if (!existsSync(server.path(`opt/skerry/runtimes/${newRuntime}`))) await server.uploadRuntime(`node ${at}`)
    const { status, stderr } = await server.run(words, 'third')
    assert.equal(status, 0, `after a kill at command ${at}: ${stderr}`)
    assert.equal(readlinkSync(server.path('opt/skerry/current')), `releases/${release}`)
    assert.equal(server.read('etc/skerry/applied'), `${release} ${newRuntime}\nthird`)
    assert.equal(server.read('opt/skerry/runtime/bin/node'), `node ${at}`)
  }
  assert.ok(killed > 20, `killed ${killed} times`)
  assertTidy(server)
})

test('a record of what is applied that holds nothing of the kind counts as none', options, async (t) => {
  for (const record of ['', '\n', 'x y\n{}', `${'0'.repeat(64)}\n{}`]) {
    const { server, release, runtime } = await withRelease(t)
    writeFileSync(server.path('etc/skerry/applied'), record)
    assert.match((await server.run(['status'])).stdout, /^release none\nruntime none\n/)
    const bad = await server.uploadRelease('exit 1')
    assert.match((await server.run(['apply', bad, runtime])).stderr, /there is no earlier one to go back to/)
    assert.equal((await server.run(['apply', release, runtime])).status, 0)
  }
})

test('what is left of a release that was being removed does not pass for one', options, async (t) => {
  const { server, release, runtime } = await withRelease(t)
  const left = server.path(`opt/skerry/releases/${'a'.repeat(64)}.partial`)
  cpSync(server.path(`opt/skerry/releases/${release}`), left, { recursive: true })
  mkdirSync(`${left}/more`)
  const { status, stderr } = await server.run(['apply', 'a'.repeat(64), runtime])
  assert.equal(status, 1)
  assert.match(stderr, /is not there: upload it, with pulumi up/)
  assert.equal((await server.run(['apply', release, runtime])).status, 0)
  assertTidy(server)
})

test('an upload of which only the beginning has arrived is refused, and the whole of it taken', options, async (t) => {
  const { server, runtime } = await withRelease(t)
  const next = await server.uploadRelease(`${good} # next`)
  truncateSync(server.path(`var/lib/skerry-incoming/release-${next}.tar.gz`), 100)
  assert.match(
    (await server.run(['apply', next, runtime])).stderr,
    /upload it again, with pulumi up --replace '\*\*CopyToRemote::release'/,
  )
  await server.uploadRelease(`${good} # next`)
  assert.equal((await server.run(['apply', next, runtime])).status, 0)
})

test('status names a release that was begun and not finished', options, async (t) => {
  const { server, release, runtime } = await withRelease(t)
  assert.doesNotMatch((await server.run(['status'])).stdout, /unfinished/)
  const cut = await server.uploadRelease('kill -KILL $PPID')
  await server.run(['apply', cut, runtime])
  const { stdout } = await server.run(['status'])
  assert.match(stdout, new RegExp(`^release ${release}\\nruntime ${runtime}\\nunfinished ${cut}: `))
  assert.equal((await server.run(['apply', release, runtime])).status, 0)
  assert.doesNotMatch((await server.run(['status'])).stdout, /unfinished/)
})

test('status says what the release itself has to say', options, async (t) => {
  const { server, release } = await withRelease(t)
  const node = server.path('opt/skerry/runtime/bin/node')
  writeFileSync(node, '#!/bin/sh\necho "the release says: $1"\nexit 1\n', { mode: 0o755 })
  writeFileSync(server.path(`opt/skerry/releases/${release}/status.mjs`), '')
  const { stdout, status } = await server.run(['status'])
  assert.equal(status, 0)
  assert.match(stdout, /^runtime .*\nthe release says: \/opt\/skerry\/current\/status\.mjs\nskerry-broker\.service /m)
  rmSync(node)
})

async function withRelease(t: TestContext) {
  const server = new LauncherFixture(t)
  const [release, runtime] = [await server.uploadRelease(good), await server.uploadRuntime()]
  const { status, stderr } = await server.run(['apply', release, runtime])
  assert.equal(status, 0, stderr)
  return { server, release, runtime }
}

function assertTidy(server: LauncherFixture): void {
  for (const directory of ['opt/skerry/releases', 'opt/skerry/runtimes', 'var/lib/skerry-incoming']) {
    const found = readdirSync(server.path(directory)).filter((name) => !/^[0-9a-f]{64}$/.test(name))
    assert.deepEqual(found, [], directory)
  }
  const secrets = readdirSync(server.path('run')).filter((name) => /^skerry-release\.\w{8}$/.test(name))
  assert.deepEqual(secrets, [])
}
