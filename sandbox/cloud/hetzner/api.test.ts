import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, hetznerReader, hetznerToken, publicKey, refused, testCloud } from '../testbed.ts'
import { createHetznerApi } from './api.ts'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('a request without the token, or with another, is unauthorized', async (t) => {
  const { hetzner } = testCloud(t)
  const headers = [
    { authorization: '' },
    bearer('x'.repeat(64)),
    bearer(`${hetznerToken}h`),
    { authorization: hetznerToken },
  ]
  for (const header of headers) {
    refused(await hetzner('GET', '/servers', undefined, header), 401, 'unauthorized')
    refused(await hetzner('POST', '/ssh_keys', { name: 'a', public_key: publicKey }, header), 401, 'unauthorized')
  }
  assert.equal((await hetzner('GET', '/servers', undefined, { authorization: `bearer ${hetznerToken}` })).status, 200)
})

test('a read-only token reads and changes nothing', async (t) => {
  const { hetzner, store } = testCloud(t)
  assert.equal((await hetzner('GET', '/ssh_keys', undefined, bearer(hetznerReader))).status, 200)
  const input = { name: 'a', public_key: publicKey }
  refused(await hetzner('POST', '/ssh_keys', input, bearer(hetznerReader)), 403, 'token_readonly')
  refused(await hetzner('DELETE', '/ssh_keys/1', undefined, bearer(hetznerReader)), 403, 'token_readonly')
  assert.deepEqual(store.state.sshKeys, [])
})

test('tokens of another form than clients accept are not configured', (t) => {
  const { store, datacenter } = testCloud(t)
  const make =
    (token: string, readOnlyToken = hetznerReader) =>
    () =>
      createHetznerApi({
        store,
        datacenter,
        network: '10.77.3.0/24',
        network6: 'fd3b:6c1e:a703::/48',
        token,
        readOnlyToken,
      })
  for (const token of ['h'.repeat(63), 'h'.repeat(65), `${'h'.repeat(63)}-`]) {
    assert.throws(make(token), /exactly 64/)
    assert.throws(make(hetznerToken, token), /exactly 64/)
  }
  assert.doesNotThrow(make(hetznerToken))
})

test('after 3,600 requests the next one has to wait, and says so', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000_000 })
  const { hetzner } = testCloud(t)
  const first = await hetzner('GET', '/locations')
  assert.equal(first.headers.get('RateLimit-Limit'), '3600')
  assert.equal(first.headers.get('RateLimit-Remaining'), '3599')
  assert.equal(first.headers.get('RateLimit-Reset'), '1000001')
  for (let request = 2; request < 3600; request++) await hetzner('GET', '/actions/1')
  assert.equal((await hetzner('GET', '/locations')).headers.get('RateLimit-Remaining'), '0')
  const limited = await hetzner('GET', '/locations')
  refused(limited, 429, 'rate_limit_exceeded')
  assert.equal(limited.headers.get('RateLimit-Remaining'), '0')
  assert.equal(limited.headers.get('RateLimit-Reset'), '1003600')
  refused(await hetzner('GET', '/locations', undefined, bearer('x'.repeat(64))), 401, 'unauthorized')
  t.mock.timers.tick(1000)
  assert.equal((await hetzner('GET', '/locations')).status, 200)
  refused(await hetzner('GET', '/locations'), 429, 'rate_limit_exceeded')
})

test('what is not JSON is refused as such', async (t) => {
  const { hetzner } = testCloud(t)
  refused(await hetzner('POST', '/ssh_keys', '{"name":'), 400, 'json_error')
  refused(await hetzner('POST', '/ssh_keys', 'name=a', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type')
  refused(await hetzner('POST', '/ssh_keys', '[]'), 422, 'invalid_input', 'body')
  refused(await hetzner('POST', '/ssh_keys', 'null'), 422, 'invalid_input', 'body')
  refused(await hetzner('POST', '/ssh_keys'), 422, 'invalid_input', 'name')
})

test('a body of 256 KiB is read and one byte more is not', async (t) => {
  const { hetzner } = testCloud(t)
  const padded = (bytes: number) => `{"name":"${'a'.repeat(bytes - '{"name":""}'.length)}"}`
  refused(await hetzner('POST', '/ssh_keys', padded(256 * 1024)), 422, 'invalid_input', 'name')
  refused(await hetzner('POST', '/ssh_keys', padded(256 * 1024 + 1)), 413, 'request_too_large')
})

test('an unknown path or object is not found', async (t) => {
  const { hetzner } = testCloud(t)
  for (const path of [
    '/networks',
    '/servers/1',
    '/servers/x',
    '/ssh_keys/0',
    '/volumes/1',
    '/firewalls/1',
    '/primary_ips/1',
  ]) {
    refused(await hetzner('GET', path), 404, 'not_found')
  }
  refused(await hetzner('DELETE', '/servers/1'), 404, 'not_found')
  refused(await hetzner('POST', '/servers/1/actions/poweron', {}), 404, 'not_found')
  refused(await hetzner('POST', '/servers/1/actions/fly', {}), 404, 'not_found')
})

test('a fault of the emulation itself is told, without a stack', async (t) => {
  const { hetzner, store } = testCloud(t)
  t.mock.method(console, 'error', () => {})
  t.mock.method(store, 'change', () => {
    throw new Error('the disk is full')
  })
  const answer = await hetzner('POST', '/ssh_keys', { name: 'a', public_key: publicKey })
  refused(answer, 500, 'server_error')
  assert.match(String(at(answer, 'error', 'message')), /the disk is full$/)
})
