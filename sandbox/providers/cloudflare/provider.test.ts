import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { driveProvider } from '../driver.ts'
import { type Exchange, type Recorder, startRecorder } from '../recorder.ts'
import type { Properties } from '../values.ts'
import { cloudflareProvider } from './provider.ts'

const type = 'cloudflare:index/dnsRecord:DnsRecord'
const apiToken = 'A-z_0'.repeat(8)
const records = '/client/v4/zones/Z/dns_records'
const address: Properties = {
  zoneId: 'Z',
  name: 'mqtt.skerry.test',
  type: 'A',
  content: '192.0.2.1',
  ttl: 300,
  proxied: false,
}
const addressBody: Properties = { content: '192.0.2.1', name: 'mqtt.skerry.test', proxied: false, ttl: 300, type: 'A' }
const stored = (more: Properties = {}): Properties => ({
  success: true,
  result: {
    id: 'R',
    ...addressBody,
    created_on: '2026-01-01T00:00:00Z',
    modified_on: '2026-01-01T00:00:00Z',
    meta: {},
    settings: {},
    tags: [],
    comment: null,
    proxiable: true,
    ...more,
  },
})
const failure = (code: number, message: string): Properties => ({
  success: false,
  errors: [{ code, message }],
  result: null,
})

let recorder: Recorder
before(async () => {
  recorder = await startRecorder()
})
after(() => recorder.close())

const drive = () => driveProvider(cloudflareProvider, type, { apiToken, baseUrl: `${recorder.url}/client/v4` })

async function playing<T>(
  exchanges: readonly Exchange[],
  work: (provider: Awaited<ReturnType<typeof drive>>) => Promise<T>,
) {
  const provider = await drive()
  recorder.expect(exchanges)
  try {
    const result = await work(provider)
    recorder.verify()
    return result
  } finally {
    provider.close()
  }
}

describe('cloudflare token', () => {
  test('is refused before any request unless it is 40 to 80 letters, digits, _ or -', async () => {
    await playing([], async (provider) => {
      for (const wrong of ['', 'a'.repeat(39), 'a'.repeat(81), `${'a'.repeat(40)} `]) {
        const [reason] = await provider.checkConfig({ apiToken: wrong })
        assert.match(reason ?? '', /^apiToken: the API token must be 40 to 80/)
      }
      for (const right of ['a'.repeat(40), 'a'.repeat(80)]) {
        assert.deepEqual(await provider.checkConfig({ apiToken: right }), [])
      }
    })
  })
})

describe('cloudflare.DnsRecord', () => {
  test('is created without being read; a refresh right after changes nothing', async () => {
    const exchanges = [
      { request: `POST ${records}`, body: addressBody, answer: stored() },
      { request: `GET ${records}/R`, answer: stored() },
    ]
    await playing(exchanges, async (provider) => {
      const { id, outputs } = await provider.create(address)
      assert.equal(id, 'R')
      assert.equal(outputs.zoneId, 'Z')
      const refreshed = await provider.read(id, address, outputs)
      assert.deepEqual(refreshed.outputs, outputs)
      assert.deepEqual(refreshed.inputs, address)
    })
    assert.deepEqual([...recorder.tokens], [`Bearer ${apiToken}`])
  })

  test('of type CAA is sent with its data', async () => {
    const data = { flags: 0, tag: 'issue', value: 'letsencrypt.org' }
    const inputs: Properties = { zoneId: 'Z', name: 'mqtt.skerry.test', type: 'CAA', data, ttl: 300 }
    const body = { data, name: 'mqtt.skerry.test', proxied: false, ttl: 300, type: 'CAA' }
    const answer = stored({ type: 'CAA', data, content: '0 issue "letsencrypt.org"' })
    await playing(
      [
        { request: `POST ${records}`, body, answer },
        { request: `GET ${records}/R`, answer },
      ],
      async (provider) => {
        const { outputs } = await provider.create(inputs)
        assert.deepEqual(outputs.data, data)
        const { inputs: refreshed } = await provider.read('R', inputs, outputs)
        assert.equal((await provider.diff('R', refreshed, inputs, outputs)).changes, false)
        assert.equal((await provider.diff('R', inputs, { ...inputs, data: { ...data, flags: '0' } })).changes, false)
      },
    )
  })

  test('is changed by PUT with the whole body', async () => {
    const body = { settings: {}, tags: [], ...addressBody, content: '192.0.2.2' }
    await playing(
      [{ request: `PUT ${records}/R`, body, answer: stored({ content: '192.0.2.2' }) }],
      async (provider) => {
        const after = { ...address, content: '192.0.2.2' }
        assert.deepEqual((await provider.diff('R', address, after)).details, { content: 'UPDATE' })
        const outputs = await provider.update('R', address, after, {})
        assert.equal(outputs.content, '192.0.2.2')
      },
    )
  })

  test('is replaced when its zone changes, the new one first', async () => {
    await playing([], async (provider) => {
      const diff = await provider.diff('R', address, { ...address, zoneId: 'Y' })
      assert.deepEqual(diff.replaces, ['zoneId'])
      assert.equal(diff.deleteBeforeReplace, false)
    })
  })

  test('is asked for again after 429 and 500, not after 400', async () => {
    const request = { request: `POST ${records}`, body: addressBody }
    const exchanges = [
      { ...request, status: 429, answer: failure(971, 'slow down') },
      { ...request, status: 500, answer: failure(1, 'oh') },
      { ...request, answer: stored() },
    ]
    await playing(exchanges, (provider) => provider.create(address))
    const refusal = {
      ...request,
      status: 400,
      answer: failure(9005, 'Content for A record must be a valid IPv4 address.'),
    }
    await playing([refusal], (provider) =>
      assert.rejects(provider.create(address), /400: Content for A record must be a valid IPv4 address\. \(9005\)/),
    )
  })

  test('that is gone is told to the engine by a refresh, and fails its deletion', async () => {
    const gone = { status: 404, answer: failure(81_044, 'Record does not exist.') }
    await playing(
      [
        { request: `GET ${records}/R`, ...gone },
        { request: `DELETE ${records}/R`, ...gone },
      ],
      async (provider) => {
        assert.equal((await provider.read('R', address, address)).id, '')
        await assert.rejects(provider.delete('R', address), /Record does not exist\. \(81044\)/)
      },
    )
  })

  test('is not created by an answer without an id', async () => {
    const answer = { success: true, result: { name: 'mqtt.skerry.test' } }
    await playing([{ request: `POST ${records}`, body: addressBody, answer }], (provider) =>
      assert.rejects(provider.create(address), /no record with an id/),
    )
  })

  test('is imported by zone and id', async () => {
    const { id, inputs } = await playing([{ request: `GET ${records}/R`, answer: stored() }], (provider) =>
      provider.read('Z/R', {}, {}),
    )
    assert.equal(id, 'R')
    assert.equal(inputs.zoneId, 'Z')
    assert.equal(inputs.content, '192.0.2.1')
  })

  test('is refused with a time to live at which Cloudflare would refuse it', async () => {
    await playing([], async (provider) => {
      for (const ttl of [1, 30, 86_400]) assert.deepEqual((await provider.check({ ...address, ttl })).failures, [])
      for (const ttl of [0, 2, 29, 86_401])
        assert.match((await provider.check({ ...address, ttl })).failures.join(), /^ttl: /)
    })
  })
})

test('cloudflare.getZone finds a zone by its name', async () => {
  const answer = { success: true, result: [{ id: 'Z', name: 'skerry.test', status: 'active' }] }
  const zone = await playing([{ request: 'GET /client/v4/zones?name=skerry.test', answer }], (provider) =>
    provider.invoke('cloudflare:index/getZone:getZone', { filter: { name: 'skerry.test' } }),
  )
  assert.equal(zone.zoneId, 'Z')
})
