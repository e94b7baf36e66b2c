import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, idAt, publicKey, refused, testCloud } from '../testbed.ts'

const other = publicKey.replace('AAAAIGJ', 'AAAAIGK')

test('a key has the fingerprint that ssh-keygen -E md5 shows', async (t) => {
  const { hetzner } = testCloud(t)
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github'
  const made = await hetzner('POST', '/ssh_keys', { name: 'known', public_key: key })
  assert.equal(at(made, 'ssh_key', 'fingerprint'), '65:96:2d:fc:e8:d5:a9:11:64:0c:0f:ea:00:6e:5b:bd')
})

test('a name and a key are used once', async (t) => {
  const { hetzner } = testCloud(t)
  const first = await hetzner('POST', '/ssh_keys', { name: 'a', public_key: publicKey })
  refused(await hetzner('POST', '/ssh_keys', { name: 'a', public_key: other }), 409, 'uniqueness_error', 'name')
  const again = { name: 'b', public_key: publicKey.replace('deploy', 'other comment') }
  refused(await hetzner('POST', '/ssh_keys', again), 409, 'uniqueness_error', 'public_key')
  const second = await hetzner('POST', '/ssh_keys', { name: 'b', public_key: other })
  assert.equal(second.status, 201)
  refused(
    await hetzner('PUT', `/ssh_keys/${idAt(second, 'ssh_key', 'id')}`, { name: 'a' }),
    409,
    'uniqueness_error',
    'name',
  )
  assert.equal((await hetzner('PUT', `/ssh_keys/${idAt(first, 'ssh_key', 'id')}`, { name: 'a' })).status, 200)
})

test('what is not a public key is refused', async (t) => {
  const { hetzner } = testCloud(t)
  const [, blob = ''] = publicKey.split(' ')
  const wrong = [
    '',
    'ssh-ed25519',
    `ssh-rsa ${blob}`,
    `ssh-dss ${blob}`,
    'ssh-ed25519 AAAA',
    `${publicKey}\nssh-ed25519 ${blob}`,
    `command="x" ${publicKey}`,
  ]
  for (const public_key of wrong) {
    refused(await hetzner('POST', '/ssh_keys', { name: 'a', public_key }), 422, 'invalid_input', 'public_key')
  }
  assert.equal((await hetzner('POST', '/ssh_keys', { name: 'a', public_key: `${publicKey}\n` })).status, 201)
})

test('names have 1 to 128 characters, none of them a control character', async (t) => {
  const { hetzner } = testCloud(t)
  for (const name of ['', 'a'.repeat(129), 'a\nb', 7]) {
    refused(await hetzner('POST', '/ssh_keys', { name, public_key: publicKey }), 422, 'invalid_input', 'name')
  }
  assert.equal((await hetzner('POST', '/ssh_keys', { name: 'ä'.repeat(128), public_key: publicKey })).status, 201)
})

test('labels are checked at both ends of their length', async (t) => {
  const { hetzner } = testCloud(t)
  const key = idAt(await hetzner('POST', '/ssh_keys', { name: 'a', public_key: publicKey }), 'ssh_key', 'id')
  const put = (labels: unknown) => hetzner('PUT', `/ssh_keys/${key}`, { labels })
  const fine = {
    a: '',
    ['k'.repeat(63)]: 'v'.repeat(63),
    'example.com/a-b.c_d': '1.2-3_4',
    [`${'p'.repeat(63)}.com/x`]: 'X',
  }
  const changed = await put(fine)
  assert.deepEqual([changed.status, at(changed, 'ssh_key', 'labels')], [200, fine])
  const keys = [
    '',
    '-a',
    'a-',
    'a b',
    'k'.repeat(64),
    '/a',
    'a/',
    'Example.com/a',
    'a/b/c',
    'ä',
    `${'p'.repeat(64)}.com/x`,
  ]
  for (const name of keys) refused(await put({ [name]: 'v' }), 422, 'invalid_input', 'labels')
  for (const value of ['-a', 'a-', 'v'.repeat(64), 'a b', 'a/b']) {
    refused(await put({ a: value }), 422, 'invalid_input', 'labels')
  }
  refused(await put({ a: 1 }), 422, 'invalid_input', 'labels.a')
  assert.deepEqual(at(await hetzner('GET', `/ssh_keys/${key}`), 'ssh_key', 'labels'), fine)
})

test('a project holds a hundred keys', async (t) => {
  const { hetzner, store } = testCloud(t)
  await hetzner('POST', '/ssh_keys', { name: 'a', public_key: publicKey })
  const [first] = store.state.sshKeys
  assert.ok(first)
  store.change((state) => {
    for (let n = 1; n < 99; n++) state.sshKeys.push({ ...first, id: n, name: `key${n}` })
  })
  assert.equal((await hetzner('POST', '/ssh_keys', { name: 'b', public_key: other })).status, 201)
  const further = { name: 'c', public_key: publicKey.replace('AAAAIGJ', 'AAAAIGL') }
  refused(await hetzner('POST', '/ssh_keys', further), 403, 'resource_limit_exceeded')
})
