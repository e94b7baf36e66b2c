import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, watch, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { LauncherFixture, missing } from './launcher-fixture.ts'

const options = { skip: missing }
const good = 'echo "$(basename "$(dirname "$0")") $(cat)" >>/run/trace'
const zero = '0'.repeat(64)

test('an uploaded release is unpacked, applied with its secrets, and remembered', options, async (t) => {
  const server = new LauncherFixture(t)
  const [release, runtime] = [await server.uploadRelease(good), await server.uploadRuntime()]
  const { status, stderr } = await server.run(['apply', release, runtime], '{"a":1}')
  assert.equal(stderr, '')
  assert.equal(status, 0)
  assert.equal(server.read('run/trace'), `${release} {"a":1}\n`)
  assert.equal(readlinkSync(server.path('opt/skerry/current')), `releases/${release}`)
  assert.equal(server.read('opt/skerry/runtime/bin/node'), 'node')
  assert.equal(server.read('etc/skerry/applied'), `${release} ${runtime}\n{"a":1}`)
  assert.equal(statSync(server.path('etc/skerry/applied')).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(server.path('var/lib/skerry-incoming')), [])
  const left = readdirSync(server.path('run')).filter((name) => name.startsWith('skerry-release'))
  assert.deepEqual(left, ['skerry-release.lock'])
  assert.equal(server.read('run/audit'), `-t skerry-release -- release ${release} applied (by deploy)\n`)
  const told = await server.run(['status'])
  assert.equal(told.stdout, `release ${release}\nruntime ${runtime}\nskerry-broker.service active (running)\n`)
})

test('applied again it needs no upload and unpacks nothing', options, async (t) => {
  const { server, release, runtime } = await withRelease(t)
  const unpacked = statSync(server.path(`opt/skerry/releases/${release}/apply`)).ctimeMs
  assert.equal((await server.run(['apply', release, runtime])).status, 0)
  assert.equal(statSync(server.path(`opt/skerry/releases/${release}/apply`)).ctimeMs, unpacked)
})

for (const words of [
  [],
  ['apply'],
  ['apply', zero],
  ['apply', zero, zero, zero],
  ['apply', zero.slice(1), zero],
  ['apply', `${zero}0`, zero],
  ['apply', zero, `${zero.slice(1)}A`],
  ['apply', zero, `${zero}\n`],
  ['apply', `../${zero}`, zero],
  ['apply', '', ''],
  ['status', 'x'],
  ['--help', 'x'],
  ['-x'],
]) {
  test(`the arguments ${JSON.stringify(words.map((word) => word.slice(-6)))} are refused`, options, async (t) => {
    const { status, stderr } = await new LauncherFixture(t).run(words)
    assert.equal(status, 1)
    assert.equal(stderr, 'skerry-release: wrong arguments: see skerry-release --help\n')
  })
}

test('a release that fails makes way for the previous one, with its runtime and its secrets', options, async (t) => {
  const { server, release, runtime } = await withRelease(t, '{"old":1}')
  const bad = await server.uploadRelease('echo "apply: health failed"; exit 3')
  const { status, stderr } = await server.run(['apply', bad, await server.uploadRuntime('new')], '{"new":1}')
  assert.equal(status, 1)
  assert.match(
    stderr,
    new RegExp(`apply: health failed\nskerry-release: release ${bad} failed and release ${release} runs again`),
  )
  assert.equal(server.read('run/trace'), `${release} {"old":1}\n`.repeat(2))
  assert.equal(readlinkSync(server.path('opt/skerry/current')), `releases/${release}`)
  assert.equal(readlinkSync(server.path('opt/skerry/runtime')), `runtimes/${runtime}`)
  assert.equal(server.read('etc/skerry/applied'), `${release} ${runtime}\n{"old":1}`)
  assert.match(
    server.read('run/audit'),
    new RegExp(`release ${bad} failed, went back to ${release} \\(by deploy\\)\n$`),
  )
})

test('when the way back fails too, both reasons are told', options, async (t) => {
  const { server, runtime } = await withRelease(
    t,
    '{}',
    '[[ ! -e /run/trace ]] || { echo old reason; exit 1; }; touch /run/trace',
  )
  const bad = await server.uploadRelease('echo new reason; exit 1')
  const { status, stderr } = await server.run(['apply', bad, runtime])
  assert.equal(status, 1)
  assert.match(stderr, /new reason.*old reason.*and so did going back/s)
})

test('a first release that fails says that there is no way back', options, async (t) => {
  const server = new LauncherFixture(t)
  const bad = await server.uploadRelease('echo why; exit 1')
  const { status, stderr } = await server.run(['apply', bad, await server.uploadRuntime()])
  assert.equal(status, 1)
  assert.match(stderr, /why\nskerry-release: release .* failed and there is no earlier one to go back to/)
  assert.equal(existsSync(server.path('etc/skerry/applied')), false)
})

test('no secrets and too many secrets change nothing', options, async (t) => {
  const { server, release, runtime } = await withRelease(t)
  const before = server.read('run/trace')
  assert.match((await server.run(['apply', release, runtime], '')).stderr, /no secrets/)
  assert.match(
    (await server.run(['apply', release, runtime], 'x'.repeat(2 ** 20 + 1))).stderr,
    /more than 1048576 bytes/,
  )
  assert.equal(server.read('run/trace'), before)
  assert.equal((await server.run(['apply', release, runtime], 'x'.repeat(2 ** 20))).status, 0)
})

test('two runs take turns', options, async (t) => {
  const server = new LauncherFixture(t)
  const runtime = await server.uploadRuntime()
  const slow = await server.uploadRelease(
    'echo start >>/run/trace; until [[ -e /run/go ]]; do sleep 0.05; done; echo end >>/run/trace',
  )
  const first = server.start(['apply', slow, runtime])
  await appeared(server, 'run/trace')
  const second = server.start(['apply', slow, runtime])
  await waitsForLock(server.path('run/skerry-release.lock'))
  assert.equal(server.read('run/trace'), 'start\n')
  writeFileSync(server.path('run/go'), '')
  assert.deepEqual([(await first.ended).status, (await second.ended).status], [0, 0])
  assert.equal(server.read('run/trace'), 'start\nend\n'.repeat(2))
})

test('after a run that was killed half way the next one works and leaves no secrets about', options, async (t) => {
  const { server, release, runtime } = await withRelease(t)
  const slow = await server.uploadRelease('echo "slow $$" >>/run/trace; exec sleep 600')
  const { child, ended } = server.start(['apply', slow, runtime])
  const pid = await appeared(server, 'run/trace', /slow (\d+)/)
  child.kill('SIGKILL')
  process.kill(Number(pid), 'SIGKILL')
  await ended
  assert.ok(readdirSync(server.path('run')).some((name) => /^skerry-release\.\w{8}$/.test(name)))
  assert.equal((await server.run(['apply', release, runtime])).status, 0)
  assert.equal(readlinkSync(server.path('opt/skerry/current')), `releases/${release}`)
  assert.equal(
    readdirSync(server.path('run')).some((name) => /^skerry-release\.\w{8}$/.test(name)),
    false,
  )
})

test('five releases and two runtimes stay, the current one among them', options, async (t) => {
  const { server, release, runtime } = await withRelease(t)
  const releases: string[] = []
  for (let number = 0; number < 5; number++) {
    releases.push(await server.uploadRelease(`${good} # ${number}`))
    assert.equal(
      (await server.run(['apply', releases.at(-1) ?? '', await server.uploadRuntime(`node ${number}`)])).status,
      0,
    )
  }
  assert.deepEqual(readdirSync(server.path('opt/skerry/releases')).sort(), releases.toSorted())
  const runtimes = readdirSync(server.path('opt/skerry/runtimes'))
  assert.equal(runtimes.length, 2)
  assert.equal([release, ...runtimes].includes(runtime), false)
  assert.equal(server.read('opt/skerry/runtime/bin/node'), 'node 4')
})

async function withRelease(t: TestContext, secrets = '{}', script = good) {
  const server = new LauncherFixture(t)
  const [release, runtime] = [await server.uploadRelease(script), await server.uploadRuntime()]
  const { status, stderr } = await server.run(['apply', release, runtime], secrets)
  assert.equal(status, 0, stderr)
  return { server, release, runtime }
}

async function appeared(server: LauncherFixture, path: string, pattern = /(.)/): Promise<string> {
  for await (const _ of watchAndNow(server.path('run'))) {
    const found = pattern.exec(server.read(path))?.[1]
    if (found) return found
  }
  return ''
}

async function* watchAndNow(directory: string): AsyncGenerator<void> {
  const watcher = watch(directory)
  try {
    while (true) {
      yield
      await Promise.race([new Promise((resolve) => watcher.once('change', resolve)), pause(200)])
    }
  } finally {
    watcher.close()
  }
}

/** Only the kernel knows that somebody waits: /proc/locks shows a waiting lock with an arrow, and the file's inode. */
async function waitsForLock(path: string): Promise<void> {
  const waiting = new RegExp(`-> FLOCK .*:${statSync(path).ino} `)
  while (!waiting.test(readFileSync('/proc/locks', 'utf8'))) await pause(20)
}
