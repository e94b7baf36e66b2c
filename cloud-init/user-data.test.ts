import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { renderUserData } from './user-data.ts'

const input = {
  deployPublicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeploy deploy@example',
  hostPrivateKey: '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
  hostPublicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHost',
}
const text = renderUserData(input)
const config = parse(text)

test('user_data is as reviewed', (t) => t.assert.snapshot(text, { serializers: [(value) => value] }))

test('it is a cloud-config of less than half of what a server takes', () => {
  assert.match(text, /^#cloud-config\n/)
  assert.ok(Buffer.byteLength(text) < 16 * 1024)
})

test('the host key is the only private key in it', () => {
  assert.equal(config.ssh_keys.ed25519_private, input.hostPrivateKey)
  assert.deepEqual(Object.keys(config.ssh_keys), ['ed25519_private', 'ed25519_public'])
  assert.equal(text.match(/PRIVATE KEY/g)?.length, 2)
})

test('files arrive byte for byte', () => {
  const written: { path: string; content: string }[] = config.write_files
  const launcher = written.find(({ path }) => path === '/usr/local/sbin/skerry-release')
  assert.equal(launcher?.content, readFileSync(new URL('files/skerry-release.sh', import.meta.url), 'utf8'))
})

test('nobody has a password, and only deploy a key', () => {
  const users: { name: string; lock_passwd: boolean; ssh_authorized_keys?: string[]; sudo?: string }[] = config.users
  assert.deepEqual(
    users.map(({ name, lock_passwd }) => [name, lock_passwd]),
    [
      ['deploy', true],
      ['skerry', true],
    ],
  )
  assert.deepEqual(
    users.map((user) => user.ssh_authorized_keys),
    [[input.deployPublicKey], undefined],
  )
  assert.deepEqual(
    users.map((user) => user.sudo),
    [undefined, undefined],
  )
})

test('keys come with or without a final line break', () => {
  const trimmed = renderUserData({
    deployPublicKey: `${input.deployPublicKey}\n`,
    hostPrivateKey: input.hostPrivateKey.trim(),
    hostPublicKey: `${input.hostPublicKey}\n`,
  })
  assert.equal(trimmed, text)
})

const bad = {
  deployPublicKey: ['', 'ssh-rsa AAAA', 'ssh-ed25519 AAAA\nssh-ed25519 BBBB', 'ssh-ed25519 AAAA x\n\ny'],
  hostPublicKey: ['', input.hostPrivateKey],
  hostPrivateKey: ['', input.hostPublicKey, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
} as const

for (const [name, values] of Object.entries(bad)) {
  for (const value of values) {
    test(`${name} that begins ${JSON.stringify(value.slice(0, 20))} is refused without being quoted`, () => {
      assert.throws(
        () => renderUserData({ ...input, [name]: value }),
        new RegExp(`^Error: ${name} is not [^\\n]{1,40}$`),
      )
    })
  }
}

test('a document that a server would refuse is refused here', () => {
  const hostPublicKey = `ssh-ed25519 ${'A'.repeat(32 * 1024)}`
  assert.throws(() => renderUserData({ ...input, hostPublicKey }), /a server takes at most 32768/)
})
