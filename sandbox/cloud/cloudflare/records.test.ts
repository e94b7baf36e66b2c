import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { at, declined, type TestCloud, testCloud, zone, zonePath } from '../testbed.ts'

const path = `${zonePath}/dns_records`
const address = { type: 'A', name: `mqtt.${zone}`, content: '10.77.3.10', ttl: 60, proxied: false }
const alias = { type: 'CNAME', name: `www.${zone}`, content: `mqtt.${zone}` }
const authority = { type: 'CAA', name: zone, data: { flags: 0, tag: 'issue', value: 'acme.skerry.test' }, ttl: 60 }

/** What cloudflare-go reads of a record. */
const recordSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  name: z.string(),
  type: z.string(),
  content: z.string(),
  data: z.object({ flags: z.int(), tag: z.string(), value: z.string() }).optional(),
  proxiable: z.boolean(),
  proxied: z.boolean(),
  ttl: z.int(),
  settings: z.record(z.string(), z.unknown()),
  meta: z.record(z.string(), z.unknown()),
  comment: z.string().nullable(),
  tags: z.array(z.string()),
  created_on: z.iso.datetime(),
  modified_on: z.iso.datetime(),
})
const envelope = z.object({
  success: z.literal(true),
  errors: z.tuple([]),
  messages: z.array(z.unknown()),
  result: recordSchema,
})

const post = ({ cloudflare }: TestCloud, record: Record<string, unknown>) => cloudflare('POST', path, record)

async function made(cloud: TestCloud, record: Record<string, unknown>) {
  const answer = await post(cloud, record)
  assert.equal(answer.status, 200, JSON.stringify(answer.json))
  return envelope.parse(answer.json).result
}

const published = ({ datacenter }: TestCloud) => at({ json: datacenter.calls.at(-1) }, 1)

test('create, refresh, change and delete as the genuine provider asks it', async (t) => {
  const cloud = testCloud(t)
  const { cloudflare } = cloud
  const first = await made(cloud, { content: '10.77.3.10', name: `mqtt.${zone}`, proxied: false, ttl: 60, type: 'A' })
  const caa = await made(cloud, { ...authority, proxied: false })
  assert.deepEqual([caa.content, caa.data], ['0 issue "acme.skerry.test"', authority.data])
  assert.deepEqual(published(cloud), [
    { type: 'A', name: `mqtt.${zone}`, content: '10.77.3.10' },
    { type: 'CAA', name: zone, content: '0 issue "acme.skerry.test"' },
  ])
  assert.deepEqual(envelope.parse((await cloudflare('GET', `${path}/${first.id}`)).json).result, first)
  const changed = await cloudflare('PUT', `${path}/${first.id}`, {
    ...address,
    content: '10.77.3.11',
    settings: {},
    tags: [],
  })
  const second = envelope.parse(changed.json).result
  assert.deepEqual({ ...second, modified_on: '' }, { ...first, content: '10.77.3.11', modified_on: '' })
  assert.deepEqual(at({ json: published(cloud) }, 0, 'content'), '10.77.3.11')
  assert.deepEqual(at(await cloudflare('DELETE', `${path}/${first.id}`), 'result'), { id: first.id })
  declined(await cloudflare('DELETE', `${path}/${first.id}`), 404, 81044)
  declined(await cloudflare('GET', `${path}/${first.id}`), 404, 81044)
  declined(await cloudflare('PUT', `${path}/${first.id}`, address), 404, 81044)
  assert.deepEqual(published(cloud), [{ type: 'CAA', name: zone, content: '0 issue "acme.skerry.test"' }])
})

test('PATCH changes what is given, PUT replaces the whole', async (t) => {
  const cloud = testCloud(t)
  const { id } = await made(cloud, { ...address, comment: 'the broker' })
  const patched = envelope.parse(
    (await cloud.cloudflare('PATCH', `${path}/${id}`, { content: '10.77.3.12' })).json,
  ).result
  assert.deepEqual([patched.content, patched.ttl, patched.comment], ['10.77.3.12', 60, 'the broker'])
  const put = envelope.parse(
    (await cloud.cloudflare('PUT', `${path}/${id}`, { type: 'A', name: '@', content: '10.77.3.12' })).json,
  ).result
  assert.deepEqual([put.name, put.ttl, put.comment], [zone, 1, null])
  const caa = await made(cloud, authority)
  const retagged = await cloud.cloudflare('PATCH', `${path}/${caa.id}`, {
    data: { ...authority.data, tag: 'issuewild' },
  })
  assert.equal(at(retagged, 'result', 'content'), '0 issuewild "acme.skerry.test"')
  declined(await cloud.cloudflare('PATCH', `${path}/${id}`, { content: 'x' }), 400, 9005)
  declined(await cloud.cloudflare('PATCH', `${path}/${id}`, '7'), 400, 1004)
})

test('content must fit the type', async (t) => {
  const cloud = testCloud(t)
  const wrong: [Record<string, unknown>, number][] = [
    ...['', '::1', '10.0.0', '10.0.0.256', '010.0.0.1', ' 10.0.0.1', 'a.b', '2130706433'].map(
      (content): [Record<string, unknown>, number] => [{ ...address, content }, 9005],
    ),
    ...['', '10.0.0.1', '::g', 'fe80::1%eth0', '2001:db8::/32'].map((content): [Record<string, unknown>, number] => [
      { ...address, type: 'AAAA', content },
      9006,
    ]),
    ...['', '10.0.0.1', 'a b', 'a..b', '-a.test', 'a'.repeat(64)].map((content): [Record<string, unknown>, number] => [
      { ...alias, content },
      9007,
    ]),
    [{ type: 'TXT', name: zone, content: '' }, 1004],
    [{ type: 'TXT', name: zone, content: 'a\nb' }, 1004],
    [{ type: 'TXT', name: zone, content: 'a'.repeat(2049) }, 1004],
    [{ ...address, content: undefined }, 9005],
    [{ ...address, data: authority.data }, 1004],
    [{ ...address, type: 'MX' }, 1004],
    [{ ...address, tags: ['a:b'] }, 1004],
    [{ ...address, comment: 'c'.repeat(101) }, 1004],
  ]
  for (const [record, code] of wrong) declined(await post(cloud, record), 400, code)
  assert.deepEqual(cloud.datacenter.calls, [])
  await made(cloud, { type: 'TXT', name: zone, content: 'a'.repeat(2048), comment: 'c'.repeat(100) })
  assert.equal((await made(cloud, { ...address, type: 'AAAA', content: '2001:DB8:0::1' })).content, '2001:db8::1')
  assert.equal((await made(cloud, { ...alias, content: 'Mqtt.Skerry.test.' })).content, 'mqtt.skerry.test')
})

test('CAA data is checked', async (t) => {
  const cloud = testCloud(t)
  const wrong = [
    { flags: -1 },
    { flags: 256 },
    { flags: 1.5 },
    { flags: '' },
    { flags: 'x' },
    { tag: 'sell' },
    { tag: undefined },
    { value: '' },
    { value: 'a"b' },
    { value: 'a\nb' },
  ]
  for (const change of wrong)
    declined(await post(cloud, { ...authority, data: { ...authority.data, ...change } }), 400, 1004)
  declined(await post(cloud, { ...authority, data: undefined }), 400, 1004)
  declined(await post(cloud, { ...authority, data: undefined, content: '0 issue "a"' }), 400, 1004)
  assert.equal((await made(cloud, { ...authority, data: { ...authority.data, flags: '128' } })).data?.flags, 128)
  assert.equal(
    (await made(cloud, { ...authority, data: { flags: 255, tag: 'iodef', value: 'mailto:a@b.test' } })).data?.flags,
    255,
  )
})

test('times to live: 1 or from a minute to a day', async (t) => {
  const cloud = testCloud(t)
  for (const ttl of [0, 2, 59, 86_401]) declined(await post(cloud, { ...address, ttl }), 400, 9021)
  declined(await post(cloud, { ...address, ttl: '60' }), 400, 1004)
  for (const [n, ttl] of [1, 60, 86_400].entries())
    assert.equal((await made(cloud, { ...address, name: `t${n}`, ttl })).ttl, ttl)
})

test('only addresses and aliases pass the proxy, and then the time to live is automatic', async (t) => {
  const cloud = testCloud(t)
  declined(await post(cloud, { ...authority, proxied: true }), 400, 9041)
  declined(await post(cloud, { type: 'TXT', name: zone, content: 'a', proxied: true }), 400, 9041)
  const proxied = await made(cloud, { ...address, proxied: true, ttl: 300 })
  assert.deepEqual([proxied.proxied, proxied.proxiable, proxied.ttl], [true, true, 1])
  assert.equal((await made(cloud, { ...alias, proxied: true })).proxied, true)
  assert.equal((await made(cloud, authority)).proxiable, false)
})

test('names are made full, lower case and ASCII; what is no name is refused', async (t) => {
  const cloud = testCloud(t)
  const cases = {
    '@': zone,
    [zone]: zone,
    mqtt: `mqtt.${zone}`,
    'MQTT.Skerry.Test.': `mqtt.${zone}`,
    '*': `*.${zone}`,
    '_a._tcp': `_a._tcp.${zone}`,
    ä: `xn--4ca.${zone}`,
    'other.com': `other.com.${zone}`,
  }
  for (const [n, [name, expected]] of Object.entries(cases).entries()) {
    assert.equal((await made(cloud, { ...address, name, content: `10.0.0.${n}` })).name, expected)
  }
  for (const name of ['a b', '-a', 'a-', 'a..b', 'a.*', '.', `${'a'.repeat(64)}`, `${'a.'.repeat(125)}a`]) {
    declined(await post(cloud, { ...address, name }), 400, 9000)
  }
  declined(await post(cloud, { ...address, name: '' }), 400, 1004)
})

test('duplicates are refused with the codes that clients know', async (t) => {
  const cloud = testCloud(t)
  const first = await made(cloud, address)
  declined(await post(cloud, { ...address, name: 'MQTT' }), 400, 81058)
  declined(await post(cloud, { ...address, ttl: 300 }), 400, 81057)
  declined(await post(cloud, { ...alias, name: address.name, content: 'a.test' }), 400, 81053)
  const second = await made(cloud, { ...address, content: '10.77.3.11' })
  declined(await cloud.cloudflare('PUT', `${path}/${second.id}`, address), 400, 81058)
  assert.equal((await cloud.cloudflare('PUT', `${path}/${first.id}`, address)).status, 200)
  await made(cloud, alias)
  declined(await post(cloud, { ...address, name: alias.name }), 400, 81054)
  declined(await post(cloud, { ...alias, content: 'other.test' }), 400, 81053)
  await made(cloud, { type: 'TXT', name: alias.name, content: 'beside an alias' })
})

test('lists are filtered and paged', async (t) => {
  const cloud = testCloud(t)
  await made(cloud, address)
  await made(cloud, { ...address, content: '10.77.3.11' })
  await made(cloud, authority)
  const list = async (query: string) => {
    const answer = await cloud.cloudflare('GET', `${path}?${query}`)
    assert.equal(answer.status, 200)
    return z.object({ result: z.array(recordSchema), result_info: z.record(z.string(), z.int()) }).parse(answer.json)
  }
  assert.deepEqual((await list('')).result_info, { page: 1, per_page: 100, count: 3, total_count: 3, total_pages: 1 })
  assert.equal((await list('type=CAA')).result.length, 1)
  assert.equal((await list(`name=${address.name.toUpperCase()}`)).result.length, 2)
  assert.equal((await list(`name.exact=${address.name}&type=A&content=10.77.3.11`)).result.length, 1)
  assert.deepEqual((await list('page=2&per_page=2')).result_info, {
    page: 2,
    per_page: 2,
    count: 1,
    total_count: 3,
    total_pages: 2,
  })
  for (const wrong of ['page=0', 'page=x', 'per_page=0', 'per_page=5000001']) {
    declined(await cloud.cloudflare('GET', `${path}?${wrong}`), 400, 1004)
  }
})

test('the zone holds two hundred records', async (t) => {
  const cloud = testCloud(t)
  await made(cloud, address)
  cloud.store.change((state) => {
    const [first] = state.records
    assert.ok(first)
    state.records = Array.from({ length: 199 }, (_, n) => ({ ...first, id: String(n), name: `n${n}.${zone}` }))
  })
  await made(cloud, address)
  declined(await post(cloud, { ...address, name: 'more' }), 400, 81045)
})

test('a name server that fails leaves everything as it was', async (t) => {
  const cloud = testCloud(t)
  const { id } = await made(cloud, address)
  t.mock.method(console, 'error', () => {})
  cloud.datacenter.failures.set('setRecords', 'dnsmasq: bad option')
  const answer = await post(cloud, authority)
  declined(answer, 500, 10001)
  assert.match(String(at(answer, 'errors', 0, 'error_chain', 0, 'message')), /dnsmasq/)
  declined(await cloud.cloudflare('DELETE', `${path}/${id}`), 500, 10001)
  assert.deepEqual(
    cloud.store.state.records.map((record) => record.id),
    [id],
  )
})

test('changes asked for at once are made one after the other', async (t) => {
  const cloud = testCloud(t)
  const answers = await Promise.all([address, address, authority].map((record) => post(cloud, record)))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 400, 200],
  )
  assert.deepEqual(
    cloud.datacenter.calls.map(([, records]) => (Array.isArray(records) ? records.length : 0)),
    [1, 2],
  )
})

test('a text in quotes reaches the name server as text', async (t) => {
  const cloud = testCloud(t)
  const cases = {
    plain: 'plain',
    '"quoted"': 'quoted',
    '"in " "two"': 'in two',
    '"with \\" inside"': 'with " inside',
    'a "b"': 'a "b"',
    '"': '"',
  }
  for (const [content, expected] of Object.entries(cases)) {
    const { id } = await made(cloud, { type: 'TXT', name: zone, content })
    assert.deepEqual(published(cloud), [{ type: 'TXT', name: zone, content: expected }])
    await cloud.cloudflare('DELETE', `${path}/${id}`)
  }
})
