import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { missing } from '../../cloud-init/launcher-fixture.ts'

const options = { skip: missing || (existsSync('/usr/bin/systemd-escape') ? false : 'needs /usr/bin/systemd-escape') }
const directories = ['var/lib/skerry', 'etc/letsencrypt']

test('what the server has had until now moves to an empty volume, once, owners and rights with it', options, (t) => {
  const server = new Server(t)
  server.write('var/lib/skerry/database', 'data', 4711)
  server.write('etc/letsencrypt/live/cert.pem', 'certificate', 0)
  const { status, stdout } = server.run('lay 7; cat /var/lib/skerry/database /etc/letsencrypt/live/cert.pem')
  assert.deepEqual([status, stdout], [0, 'datacertificate'])
  assert.equal(server.read('volume7/skerry/database'), 'data')
  const { uid, mode } = statSync(server.path('volume7/skerry/database'))
  assert.deepEqual([uid, mode & 0o777], [4711, 0o640])
  for (const directory of directories) assert.deepEqual(readdirSync(server.path(directory)), [], directory)
})

test('a new server gets empty directories of its own on the volume', options, (t) => {
  const server = new Server(t)
  for (const directory of directories) rmSync(server.path(directory), { recursive: true })
  assert.equal(server.run('lay 7').status, 0)
  const owner = (name: string) => {
    const { uid, mode } = statSync(server.path(`volume7/${name}`))
    return [uid, mode & 0o777]
  }
  assert.deepEqual(owner('skerry'), [12345, 0o700])
  assert.deepEqual(owner('letsencrypt'), [0, 0o700])
})

test('what an earlier server left on the volume counts, and nothing is lost', options, (t) => {
  const server = new Server(t)
  server.write('volume7/skerry/database', 'of the earlier server', 4711)
  server.write('volume7/letsencrypt/live/cert.pem', 'certificate', 0)
  server.write('var/lib/skerry/database', 'of this server', 12345)
  const { status, stdout } = server.run('lay 7; cat /var/lib/skerry/database')
  assert.deepEqual([status, stdout], [0, 'of the earlier server'])
  assert.equal(server.read('var/lib/skerry/database'), 'of this server')
})

test('laid there already, nobody is disturbed', options, (t) => {
  const server = new Server(t)
  assert.equal(server.run('lay 7; rm /run/systemctl; lay 7').status, 0)
  assert.doesNotMatch(server.read('run/systemctl'), /stop/)
})

test('those that use the data are stopped before it moves', options, (t) => {
  const server = new Server(t)
  assert.equal(server.run('lay 7').status, 0)
  const calls = server.read('run/systemctl')
  assert.match(calls, /stop --quiet skerry-\*\.socket skerry-broker\.service\n(.*\n)*start var-lib-skerry\.mount/)
  assert.match(calls, /stop --quiet skerry-acme\.service\n(.*\n)*start etc-letsencrypt\.mount/)
})

test('another volume takes the place of the first', options, (t) => {
  const server = new Server(t)
  server.write('volume8/skerry/database', 'of the other volume', 4711)
  const { status, stdout } = server.run('lay 7; lay 8; cat /var/lib/skerry/database')
  assert.deepEqual([status, stdout], [0, 'of the other volume'])
  assert.deepEqual(readdirSync(server.path('volume8')).sort(), ['letsencrypt', 'skerry'])
})

test('a volume that does not come is waited for, and then named', options, (t) => {
  const server = new Server(t)
  const { status, stdout } = server.run('wait 9')
  assert.equal(status, 1)
  assert.match(stdout, /^volume 9 is not attached to this server, after a minute of waiting: attach it/)
  assert.equal(server.read('run/slept').split('\n').length - 1, 120)
  assert.equal(server.run('wait 7').status, 0)
})

test('cut off at any moment, the data is there once, whole', options, (t) => {
  let cut = 0
  for (let at = 1; ; at += 3) {
    const server = new Server(t)
    server.write('var/lib/skerry/database', 'data', 4711)
    // Sourced by bash before the script: counts its commands, and the kill cannot be caught.
    writeFileSync(server.path('run/killer'), `set -o functrace; trap '((++count < ${at})) || kill -KILL $$' DEBUG\n`)
    if (server.run('BASH_ENV=/run/killer lay 7').status === 0) break
    cut += 1
    const { status, stdout } = server.run('lay 7; cat /var/lib/skerry/database')
    assert.deepEqual([status, stdout], [0, 'data'], `cut off at command ${at}`)
    assert.deepEqual(readdirSync(server.path('volume7')).sort(), ['letsencrypt', 'skerry'])
    server[Symbol.dispose]()
  }
  assert.ok(cut > 10, `cut off ${cut} times`)
})

/** A server's directories in a place of their own, with the volumes 7 and 8; mounts end with each run, as at a reboot. */
class Server implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'skerry-volume-'))

  constructor(t: TestContext) {
    t.after(() => this[Symbol.dispose]())
    for (const directory of [...directories, 'opt', 'run/bin', 'volume7', 'volume8']) {
      mkdirSync(this.path(directory), { recursive: true })
    }
    writeFileSync(this.path('etc/passwd'), 'root:x:0:0::/:/bin/sh\nskerry:x:12345:12345::/:/bin/sh\n')
    writeFileSync(this.path('etc/group'), 'root:x:0:\nskerry:x:12345:\n')
    this.#script('logger', '')
    this.#script('run/bin/sleep', 'echo "$*" >>/run/slept')
    this.#script(
      'systemctl',
      `echo "$*" >>/run/systemctl
      case "\${*: -1}" in
        var-lib-skerry.mount) where=/var/lib/skerry name=skerry ;;
        etc-letsencrypt.mount) where=/etc/letsencrypt name=letsencrypt ;;
        *) exit 0 ;;
      esac
      case $1 in
        start) mountpoint --quiet $where || mount --bind "/mnt/HC_Volume_$VOLUME/$name" $where ;;
        stop) umount $where ;;
      esac`,
    )
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true })
  }

  path(path: string): string {
    return join(this.#root, path)
  }

  read(path: string): string {
    return existsSync(this.path(path)) ? readFileSync(this.path(path), 'utf8') : ''
  }

  write(path: string, content: string, owner: number): void {
    mkdirSync(join(this.path(path), '..'), { recursive: true })
    writeFileSync(this.path(path), content, { mode: 0o640 })
    chownSync(this.path(path), owner, owner)
  }

  /** Runs commands of bash on the server, `lay ID` and `wait ID` among them, until one fails. */
  run(commands: string): { status: number | null; stdout: string } {
    const fixture = new URL('../../cloud-init/launcher-fixture.sh', import.meta.url).pathname
    const program = new URL('volume.sh', import.meta.url).pathname
    const script = `set -e
      mount -t tmpfs tmpfs /mnt
      for id in 7 8; do mkdir /mnt/HC_Volume_$id; mount --bind ${this.#root}/volume$id /mnt/HC_Volume_$id; done
      lay() { VOLUME=$1 bash ${program} lay "$1"; }
      wait() { bash ${program} wait "$1"; }
      ${commands}`
    const command = ['--mount', '--propagation', 'private', fixture, this.#root, 'bash', '-c', script]
    const env = { PATH: `/run/bin:${process.env.PATH}` }
    return spawnSync('unshare', command, { cwd: '/', env, encoding: 'utf8' })
  }

  #script(path: string, body: string): void {
    writeFileSync(this.path(path), `#!/bin/bash\n${body}\n`, { mode: 0o755 })
  }
}
