import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { missing } from '../../cloud-init/launcher-fixture.ts'

const options = { skip: missing, timeout: 30_000 }
const minute = 60_000
const lineage = 'skerry-0123'
const authority = createServer((socket) => socket.destroy())
let directory = ''

before(async () => {
  await once(authority.listen(0, '127.0.0.1'), 'listening')
  const address = authority.address()
  assert.ok(address && typeof address === 'object')
  directory = `https://127.0.0.1:${address.port}/dir`
})
after(() => authority.close())

test('a certificate that comes ends the asking, and what had failed is forgotten', options, async (t) => {
  const server = new Server(t, 'ln -sfn /etc/letsencrypt/live/skerry-0123 /etc/skerry/web')
  server.writeAttempts(Date.now() - minute)
  assert.equal(await server.run().ended, 0)
  assert.equal(existsSync(server.attemptsFile), false)
  const asked = server.read('run/asked')
  assert.match(
    asked,
    /^certonly --non-interactive .*--domain mqtt\.example\.com --cert-name skerry-0123 --keep-until-expiring/,
  )
  assert.equal(server.read('run/deployed'), '')
})

test('a certificate whose hook was not called is deployed', options, async (t) => {
  const server = new Server(t, 'exit 0')
  assert.equal(await server.run().ended, 0)
  assert.equal(server.read('run/deployed'), 'deployed\n')
})

test('a failure is written down with its reason, and the next attempt waits', options, async (t) => {
  const server = new Server(t, `printf '  Type:   dns\\n  Detail: NXDOMAIN\\n'; exit 1`)
  server.writeAttempts(Date.now() - minute)
  const before = Date.now()
  const { child, ended } = server.run()
  const [said] = await once(child.stderr, 'data')
  child.kill()
  await ended
  const attempts = JSON.parse(readFileSync(server.attemptsFile, 'utf8'))
  assert.equal(attempts.count, 3)
  assert.match(attempts.reason, /does not find the address of the name in DNS; in its words: NXDOMAIN/)
  assert.ok(attempts.next >= before + 9 * minute && attempts.next <= Date.now() + 9 * minute)
  assert.match(
    String(said),
    /^no certificate for mqtt\.example\.com from https:\/\/127\.0\.0\.1:\d+\/dir: the CA does not find/,
  )
  assert.equal(server.read('run/asked').split('\n').length, 2)
})

test('a CA that nobody can reach is written down without certbot', options, async (t) => {
  const server = new Server(t, 'exit 0')
  const { child, ended } = server.run('https://127.0.0.1:1/dir')
  await once(child.stderr, 'data')
  child.kill()
  await ended
  assert.equal(
    JSON.parse(readFileSync(server.attemptsFile, 'utf8')).reason,
    'the CA cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
  )
  assert.equal(server.read('run/asked'), '')
})

test('started again before its time, it asks nobody until then', options, async (t) => {
  const server = new Server(t, 'date +%s%3N >/run/time; ln -sfn /etc/letsencrypt/live/skerry-0123 /etc/skerry/web')
  const next = Date.now() + 1_500
  server.writeAttempts(next)
  assert.equal(await server.run().ended, 0)
  assert.ok(Number(server.read('run/time')) >= next)
})

/** A server's directories in a place of their own, where certbot is a script. */
class Server {
  readonly #root = mkdtempSync(join(tmpdir(), 'skerry-acme-'))
  readonly attemptsFile = join(this.#root, 'etc/letsencrypt/skerry-attempts.json')

  constructor(t: TestContext, certbot: string) {
    t.after(() => rmSync(this.#root, { recursive: true, force: true }))
    for (const directory of ['etc/letsencrypt', 'etc/skerry', 'opt/skerry/current/acme', 'run/bin', 'var/lib']) {
      mkdirSync(join(this.#root, directory), { recursive: true })
    }
    symlinkSync('/etc/skerry/self-signed', join(this.#root, 'etc/skerry/web'))
    this.#script('logger', '')
    this.#script('systemctl', '')
    this.#script('run/bin/certbot', `echo "$*" >>/run/asked\n${certbot}`)
    this.#script('opt/skerry/current/acme/deployed', 'echo deployed >>/run/deployed')
  }

  read(path: string): string {
    return existsSync(join(this.#root, path)) ? readFileSync(join(this.#root, path), 'utf8') : ''
  }

  writeAttempts(next: number): void {
    writeFileSync(this.attemptsFile, JSON.stringify({ lineage, count: 2, reason: 'why', next }))
  }

  /** @param to URL of the CA's directory */
  run(to = directory) {
    const fixture = new URL('../../cloud-init/launcher-fixture.sh', import.meta.url).pathname
    const program = new URL('run.ts', import.meta.url).pathname
    const command = ['--mount', '--propagation', 'private', fixture, this.#root, process.execPath, program]
    const env = {
      PATH: `/run/bin:${process.env.PATH}`,
      SKERRY_HOSTNAME: 'mqtt.example.com',
      SKERRY_ACME_DIRECTORY: to,
      SKERRY_ACME_EMAIL: 'operator@example.com',
      SKERRY_ACME_LINEAGE: lineage,
    }
    const child = spawn('unshare', command, { cwd: '/', env })
    return { child, ended: once(child, 'close').then(([code]): unknown => code) }
  }

  #script(path: string, body: string): void {
    writeFileSync(join(this.#root, path), `#!/bin/bash\n${body}\n`, { mode: 0o755 })
  }
}
