import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createAuthority } from '../../broker/authority.ts'
import { missing } from '../../cloud-init/launcher-fixture.ts'

const options = { skip: missing }
const selfSigned = '/etc/skerry/self-signed/mqtt.example.com'
const lineage = '/etc/letsencrypt/live/skerry-0123'
const authority = await createAuthority()
const request = { commonName: 'mqtt.example.com', purposes: ['serverAuth'] as const }
const [pair, otherPair] = [await authority.issue(request), await authority.issue(request)]

test('without a public certificate the web front shows a self-signed one, and keeps it', options, (t) => {
  const server = new Server(t)
  assert.equal(server.run('choose').status, 0)
  assert.equal(server.shown(), selfSigned)
  const [made] = server.list('etc/skerry/self-signed/mqtt.example.com')
  assert.equal(server.run('choose').status, 0)
  assert.deepEqual(server.list('etc/skerry/self-signed/mqtt.example.com')[0], made)
})

test('a public certificate is shown as soon as it is whole', options, (t) => {
  const server = new Server(t)
  server.run('choose')
  server.issue()
  assert.equal(server.run('choose').status, 0)
  assert.equal(server.shown(), lineage)
})

const damages: Record<string, (server: Server) => void> = {
  'an empty certificate': (server) => truncateSync(server.path('etc/letsencrypt/archive/skerry-0123/fullchain1.pem')),
  'half of a certificate': (server) =>
    truncateSync(server.path('etc/letsencrypt/archive/skerry-0123/fullchain1.pem'), 300),
  'an empty key': (server) => truncateSync(server.path('etc/letsencrypt/archive/skerry-0123/privkey1.pem')),
  'the key of another certificate': (server) =>
    writeFileSync(server.path('etc/letsencrypt/archive/skerry-0123/privkey1.pem'), otherPair.privateKey),
  'links that lead nowhere': (server) =>
    rmSync(server.path('etc/letsencrypt/archive/skerry-0123'), { recursive: true }),
  'a certificate without its links': (server) =>
    rmSync(server.path('etc/letsencrypt/live/skerry-0123'), { recursive: true }),
}

for (const [what, damage] of Object.entries(damages)) {
  test(`${what} is neither shown nor in the way of another`, options, (t) => {
    const server = new Server(t)
    server.issue()
    server.run('choose')
    damage(server)
    assert.equal(server.run('choose').status, 0)
    assert.equal(server.shown(), selfSigned)
    const { status, stdout } = server.run('mend')
    assert.equal(status, 0)
    assert.match(stdout, /^a crash has damaged .*skerry-0123/)
    for (const directory of ['live', 'archive', 'renewal']) {
      assert.deepEqual(readdirSync(server.path(`etc/letsencrypt/${directory}`)), [], directory)
    }
    assert.equal(existsSync(server.path('etc/letsencrypt/skerry-attempts.json')), false)
    server.issue()
    server.run('choose')
    assert.equal(server.shown(), lineage)
  })
}

test('an empty renewal file makes room, the certificate is shown until then', options, (t) => {
  const server = new Server(t)
  server.issue()
  truncateSync(server.path('etc/letsencrypt/renewal/skerry-0123.conf'))
  server.run('choose')
  assert.equal(server.shown(), lineage)
  server.run('mend')
  assert.deepEqual(readdirSync(server.path('etc/letsencrypt/renewal')), [])
})

test('a damaged self-signed certificate is made again', options, (t) => {
  const server = new Server(t)
  server.run('choose')
  truncateSync(server.path(`${selfSigned}/privkey.pem`))
  assert.equal(server.run('choose').status, 0)
  assert.match(server.run('choose').stderr, /^$/)
  assert.equal(spawnSync('openssl', ['pkey', '-noout', '-in', server.path(`${selfSigned}/privkey.pem`)]).status, 0)
})

test('an account whose bytes never reached the disk goes, a good one and what is whole stay', options, (t) => {
  const server = new Server(t)
  server.issue()
  for (const [account, content] of [
    ['good', '{}'],
    ['bad', ''],
  ] as const) {
    mkdirSync(server.path(`etc/letsencrypt/accounts/ca/dir/${account}`), { recursive: true })
    writeFileSync(server.path(`etc/letsencrypt/accounts/ca/dir/${account}/meta.json`), '{}')
    writeFileSync(server.path(`etc/letsencrypt/accounts/ca/dir/${account}/regr.json`), content)
  }
  assert.equal(server.run('mend').status, 0)
  assert.deepEqual(readdirSync(server.path('etc/letsencrypt/accounts/ca/dir')), ['good'])
  server.run('choose')
  assert.equal(server.shown(), lineage)
  assert.deepEqual(
    [server.run('mend').stdout, existsSync(server.path('etc/letsencrypt/renewal/skerry-0123.conf'))],
    ['', true],
  )
})

test('where nothing was ever asked for there is nothing to mend', options, (t) => {
  const { status, stdout } = new Server(t).run('mend')
  assert.deepEqual([status, stdout], [0, ''])
})

/** A server's directories in a place of their own. */
class Server {
  readonly #root = mkdtempSync(join(tmpdir(), 'skerry-certificate-'))

  constructor(t: TestContext) {
    t.after(() => rmSync(this.#root, { recursive: true, force: true }))
    for (const directory of ['etc/skerry', 'etc/ssl', 'opt/acme', 'run', 'var/lib']) {
      mkdirSync(this.path(directory), { recursive: true })
    }
    for (const directory of ['live', 'archive', 'renewal']) {
      mkdirSync(this.path(`etc/letsencrypt/${directory}`), { recursive: true })
    }
    for (const program of ['logger', 'systemctl']) writeFileSync(this.path(program), '#!/bin/sh\n', { mode: 0o755 })
    writeFileSync(this.path('etc/ssl/openssl.cnf'), '[req]\ndistinguished_name = name\n[name]\n')
    copyFileSync(new URL('certificate.sh', import.meta.url), this.path('opt/acme/certificate'))
    writeFileSync(
      this.path('opt/acme/acme.env'),
      "SKERRY_HOSTNAME='mqtt.example.com'\nSKERRY_ACME_LINEAGE='skerry-0123'\n",
    )
  }

  path(path: string): string {
    return join(this.#root, path)
  }

  list(path: string): string[] {
    const { stdout } = spawnSync('find', [this.path(path), '-type', 'f', '-printf', '%f %i\n'], { encoding: 'utf8' })
    return stdout.split('\n').sort().slice(1)
  }

  shown(): string {
    return readlinkSync(this.path('etc/skerry/web'))
  }

  /** What certbot leaves, and a record of what had failed before. */
  issue(): void {
    for (const directory of ['live', 'archive']) {
      mkdirSync(this.path(`etc/letsencrypt/${directory}/skerry-0123`), { recursive: true })
    }
    for (const [name, content] of [
      ['fullchain', pair.certificate],
      ['privkey', pair.privateKey],
    ] as const) {
      writeFileSync(this.path(`etc/letsencrypt/archive/skerry-0123/${name}1.pem`), content)
      symlinkSync(`../../archive/skerry-0123/${name}1.pem`, this.path(`etc/letsencrypt/live/skerry-0123/${name}.pem`))
    }
    writeFileSync(this.path('etc/letsencrypt/renewal/skerry-0123.conf'), 'version = 4.0\n')
    writeFileSync(this.path('etc/letsencrypt/skerry-attempts.json'), '{}')
  }

  run(command: 'choose' | 'mend') {
    const fixture = new URL('../../cloud-init/launcher-fixture.sh', import.meta.url).pathname
    const program = ['bash', '/opt/acme/certificate', command]
    const env = { PATH: process.env.PATH }
    const parameters = ['--mount', '--propagation', 'private', fixture, this.#root, ...program]
    return spawnSync('unshare', parameters, { cwd: '/', env, encoding: 'utf8' })
  }
}
