import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, cloudflareReader, cloudflareToken, declined, testCloud, zone, zonePath } from '../testbed.ts'
import { createCloudflareApi } from './api.ts'

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const records = `${zonePath}/dns_records`
const record = { type: 'A', name: zone, content: '10.77.3.10' }

test('tokens: wrong form, unknown, read-only, valid', async (t) => {
  const { cloudflare, store } = testCloud(t)
  const verify = '/user/tokens/verify'
  for (const token of ['', 'c'.repeat(39), 'c'.repeat(81), `${'c'.repeat(39)}!`]) {
    const answer = await cloudflare('GET', verify, undefined, bearer(token))
    declined(answer, 400, 6003)
    assert.equal(at(answer, 'errors', 0, 'error_chain', 0, 'code'), 6111)
  }
  declined(await cloudflare('GET', verify, undefined, bearer('x'.repeat(40))), 401, 1000)
  declined(await cloudflare('GET', records, undefined, bearer('x'.repeat(80))), 403, 9109)
  declined(await cloudflare('POST', records, record, bearer(cloudflareReader)), 403, 10000)
  assert.deepEqual(store.state.records, [])
  assert.equal((await cloudflare('GET', records, undefined, bearer(cloudflareReader))).status, 200)
  const valid = await cloudflare('GET', verify)
  assert.deepEqual([valid.status, at(valid, 'result', 'status'), at(valid, 'success')], [200, 'active', true])
})

test('a request without a token says which headers are missing', async (t) => {
  const { store, datacenter } = testCloud(t)
  const app = createCloudflareApi({ store, datacenter, token: cloudflareToken, zone })
  const response = await app.request('/client/v4/zones')
  declined({ status: response.status, headers: response.headers, json: await response.json() }, 400, 9106)
})

test('tokens of another form than clients accept are not configured', (t) => {
  const { store, datacenter } = testCloud(t)
  for (const token of ['c'.repeat(39), 'c'.repeat(81), `${'c'.repeat(40)}.`]) {
    assert.throws(() => createCloudflareApi({ store, datacenter, zone, token }), /40 to 80/)
    assert.throws(
      () => createCloudflareApi({ store, datacenter, zone, token: cloudflareToken, readOnlyToken: token }),
      /40 to 80/,
    )
  }
})

test('the zone is found by its name and its id', async (t) => {
  const { cloudflare } = testCloud(t)
  const found = await cloudflare('GET', `/zones?name=${zone}`)
  assert.deepEqual(at(found, 'result_info'), { page: 1, per_page: 20, count: 1, total_count: 1, total_pages: 1 })
  assert.equal(`/zones/${at(found, 'result', 0, 'id')}`, zonePath)
  assert.deepEqual([at(found, 'result', 0, 'name'), at(found, 'result', 0, 'status')], [zone, 'active'])
  assert.deepEqual(at(await cloudflare('GET', '/zones?name=example.com'), 'result'), [])
  assert.deepEqual(at(await cloudflare('GET', zonePath), 'result'), at(found, 'result', 0))
})

test('another zone is forbidden, and what is no zone has no route', async (t) => {
  const { cloudflare } = testCloud(t)
  for (const rest of ['', '/dns_records', '/dns_records/x']) {
    declined(await cloudflare('GET', `/zones/${'0'.repeat(32)}${rest}`), 403, 9109)
    declined(await cloudflare('GET', `/zones/${zone}${rest}`), 404, 7003)
  }
  declined(await cloudflare('GET', `${zonePath}/settings`), 404, 7003)
  declined(await cloudflare('GET', '/accounts'), 404, 7003)
})

test('after 1,200 requests the next one has to wait', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000_000 })
  const { cloudflare } = testCloud(t)
  for (let request = 0; request < 1200; request++) assert.equal((await cloudflare('GET', zonePath)).status, 200)
  const limited = await cloudflare('GET', zonePath)
  declined(limited, 429, 971)
  assert.equal(limited.headers.get('retry-after'), '1')
  t.mock.timers.tick(250)
  assert.equal((await cloudflare('GET', zonePath)).status, 200)
  declined(await cloudflare('GET', zonePath), 429, 971)
})

test('bodies: only JSON, at most 64 KiB', async (t) => {
  const { cloudflare } = testCloud(t)
  declined(await cloudflare('POST', records, '{"type":'), 400, 6007)
  declined(await cloudflare('POST', records, ''), 400, 6007)
  declined(
    await cloudflare('POST', records, 'type=A', { 'content-type': 'application/x-www-form-urlencoded' }),
    400,
    9207,
  )
  declined(await cloudflare('POST', records, '[]'), 400, 1004)
  const padded = (bytes: number) => `{"type":"${'A'.repeat(bytes - '{"type":""}'.length)}"}`
  declined(await cloudflare('POST', records, padded(64 * 1024)), 400, 1004)
  declined(await cloudflare('POST', records, padded(64 * 1024 + 1)), 413, 10013)
})
