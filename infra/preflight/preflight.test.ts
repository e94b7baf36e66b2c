import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type ResourceHookArgs, runtime } from '@pulumi/pulumi'
import { settings } from '../fixtures.ts'
import type { Settings } from '../settings.ts'
import { Preflight } from './preflight.ts'
import { type StubApi, stubApi } from './stub.ts'

const { hostname, cloudflareZoneId } = settings
const zone = `/cf/zones/${cloudflareZoneId}`
const place = { name: 'hel1', available: true }
const serverType = (name: string, architecture: string, available = true) => ({
  name,
  architecture,
  disk: 40,
  prices: [{ location: 'hel1', price_monthly: { gross: '4.76' } }],
  locations: [{ ...place, available }],
})
const usual = {
  'POST /h/ssh_keys': { status: 422, body: { error: { code: 'invalid_input', message: '' } } },
  'GET /h/server_types': {
    body: { server_types: [serverType('cx23', 'x86'), serverType('cx33', 'x86', false), serverType('cax11', 'arm')] },
  },
  'GET /h/images': { body: { images: [{ name: 'debian-13' }] } },
  'GET /h/primary_ips': { body: { primary_ips: [] } },
  'GET /h/volumes': { body: { volumes: [] } },
  'GET /h/firewalls': { body: { firewalls: [] } },
  'GET /h/servers': { body: { servers: [] } },
  [`POST ${zone}/dns_records`]: { status: 400, body: { errors: [{ code: 1004, message: '' }] } },
  [`GET ${zone}`]: { body: { result: { name: 'example.com', status: 'active' } } },
  [`GET ${zone}/dns_records`]: { body: { result: [] } },
}

const types = {
  address: 'hcloud:index/primaryIp:PrimaryIp',
  volume: 'hcloud:index/volume:Volume',
  firewall: 'hcloud:index/firewall:Firewall',
  server: 'hcloud:index/server:Server',
  record: 'cloudflare:index/dnsRecord:DnsRecord',
}

let stub: StubApi
before(async () => {
  stub = await stubApi({})
})
after(() => stub.close())
beforeEach(() => {
  Object.assign(stub.replies, usual)
  stub.asked.length = 0
})

function preflight(changed: Partial<Settings> = {}) {
  const values = { 'hcloud:endpoint': `${stub.url}/h/`, 'cloudflare:baseUrl': `${stub.url}/cf` }
  const environment = { HCLOUD_TOKEN: 'h'.repeat(64), CLOUDFLARE_API_TOKEN: 'c'.repeat(40) }
  return new Preflight({ ...settings, ...changed }, { values, environment, secretKeys: new Set() })
}

type Inputs = Record<string, unknown>

/** Runs the check of one resource; @returns what it says, or undefined when all is well */
async function refusal(
  type: keyof typeof types,
  newInputs: Inputs,
  { name = 'x', oldInputs, from = preflight() }: { name?: string; oldInputs?: Inputs; from?: Preflight } = {},
): Promise<string | undefined> {
  const check = from.checkOf(types[type], name)
  assert.ok(check)
  const urn = `urn:pulumi:test::skerry::skerry:infra:Environment$${types[type]}::${name}`
  const args: ResourceHookArgs = {
    urn,
    id: '',
    name,
    type: types[type],
    newInputs,
    ...(oldInputs ? { oldInputs } : {}),
  }
  return check(args).then(
    () => undefined,
    (error: Error) => error.message,
  )
}

describe('before something is made', () => {
  it('nothing is said where nothing is in the way', async () => {
    const from = preflight()
    assert.equal(await refusal('address', { name: hostname }, { name: 'ipv4', from }), undefined)
    assert.equal(await refusal('server', { name: hostname, location: 'hel1' }, { from }), undefined)
    assert.equal(await refusal('record', { name: hostname, type: 'A' }, { from }), undefined)
    assert.equal(stub.asked.filter((line) => line.startsWith('POST')).length, 2, 'each token is tried once')
  })

  it('keys, certificates and commands are not looked at', () => {
    for (const type of ['tls:index/privateKey:PrivateKey', 'command:remote:Command']) {
      assert.equal(preflight().checkOf(type, 'x'), undefined)
    }
    assert.equal(preflight().checkOf('hcloud:index/volumeAttachment:VolumeAttachment', 'x'), undefined)
  })

  it('a name that is taken is refused', async () => {
    stub.replies['GET /h/firewalls'] = { body: { firewalls: [{ id: 7, name: hostname }] } }
    assert.match(
      (await refusal('firewall', { name: hostname })) ?? '',
      /has a firewall named mqtt\.example\.com already/,
    )
  })

  it('stock is looked at before the address fixes the place, and the taken name is told with it', async () => {
    stub.replies['GET /h/primary_ips'] = { body: { primary_ips: [{ id: 7, name: hostname }] } }
    const from = preflight({ serverType: 'cx33' })
    const said = (await refusal('address', { name: hostname }, { name: 'ipv4', from })) ?? ''
    assert.match(said, /cx33, which is sold out in hel1/)
    assert.match(said, /has a Primary IP named/)
  })

  it('a token that may only read stops everything, told once', async () => {
    stub.replies['POST /h/ssh_keys'] = { status: 403, body: { error: { code: 'token_readonly', message: '' } } }
    const from = preflight()
    assert.match((await refusal('address', { name: hostname }, { from })) ?? '', /may only read/)
    assert.match((await refusal('volume', { name: hostname, size: 10 }, { from })) ?? '', /given with another resource/)
  })

  it('a record that is there already is refused', async () => {
    const found = { id: 'R', type: 'A', name: hostname, content: '192.0.2.1' }
    stub.replies[`GET ${zone}/dns_records`] = { body: { result: [found] } }
    assert.match((await refusal('record', { name: hostname, type: 'A' })) ?? '', /has an A record already/)
    const data = { flags: 0, tag: 'issue', value: 'letsencrypt.org' }
    assert.equal(await refusal('record', { name: hostname, type: 'CAA', data }), undefined)
  })

  it('the name must belong to the zone', async () => {
    const inputs = { name: hostname, type: 'A' }
    for (const [name, outcome] of [
      ['example.com', undefined],
      [hostname, undefined],
      ['other.com', /does not belong to the zone other\.com/],
      ['xample.com', /does not belong/],
    ] as const) {
      stub.replies[`GET ${zone}`] = { body: { result: { name, status: 'active' } } }
      const said = await refusal('record', inputs)
      if (outcome) assert.match(said ?? '', outcome)
      else assert.equal(said, undefined)
    }
  })
})

describe('before something is changed', () => {
  const before = { name: hostname, location: 'hel1', serverType: 'cx23' }

  it('its name is not in its own way', async () => {
    stub.replies['GET /h/firewalls'] = { body: { firewalls: [{ id: 7, name: hostname }] } }
    assert.equal(await refusal('firewall', { name: hostname, rules: [] }, { oldInputs: { name: hostname } }), undefined)
    assert.ok(await refusal('firewall', { name: hostname }, { oldInputs: { name: 'old.example.com' } }))
  })

  it('a server may become a type of its architecture that is to be had', async () => {
    const become = (name: string, architecture: 'x86' | 'arm') => {
      const from = preflight({ serverType: name, architecture })
      return refusal('server', { ...before, serverType: name }, { oldInputs: { ...before, serverType: 'cx43' }, from })
    }
    assert.equal(await become('cx23', 'x86'), undefined)
    assert.match((await become('cx33', 'x86')) ?? '', /sold out/)
  })

  it('a server keeps its architecture', async () => {
    const from = preflight({ serverType: 'cax11', architecture: 'arm' })
    const said = await refusal('server', { ...before, serverType: 'cax11' }, { oldInputs: before, from })
    assert.match(said ?? '', /keeps its architecture.*pulumi config set skerry:generation 2$/)
  })

  it('a server that stays its type is not held against the stock', async () => {
    assert.equal(await refusal('server', { ...before, labels: {} }, { oldInputs: before }), undefined)
    assert.ok(!stub.asked.some((line) => line.includes('server_types')))
  })

  it('a volume may grow, not shrink', async () => {
    const oldInputs = { name: hostname, size: 20 }
    assert.equal(await refusal('volume', { name: hostname, size: 21 }, { oldInputs }), undefined)
    assert.equal(await refusal('volume', { name: hostname, size: 20 }, { oldInputs }), undefined)
    assert.match(
      (await refusal('volume', { name: hostname, size: 19 }, { oldInputs })) ?? '',
      /has 20 GB: .* never shrink/,
    )
  })
})

describe('before a server is replaced', () => {
  const server = { name: hostname, location: 'hel1', publicNets: [{ ipv4: 3 }], labels: { generation: '1' } }
  const standing = (address: number, { volumes = [5], generation = '1' } = {}) => ({
    body: {
      servers: [{ id: 7, name: hostname, labels: { generation }, volumes, public_net: { ipv4: { id: address } } }],
    },
  })
  const dryRun = (preview: boolean) =>
    runtime.setMocks({ newResource: () => ({ id: '', state: {} }), call: () => ({}) }, 'skerry', 'test', preview)
  after(() => dryRun(false))

  it('the old one, which has our address, is not in the way of a preview', async () => {
    await dryRun(true)
    stub.replies['GET /h/servers'] = standing(3)
    assert.equal(await refusal('server', server), undefined)
    stub.replies['GET /h/servers'] = standing(4)
    assert.match((await refusal('server', server)) ?? '', /has a server named/)
  })

  it('the rest of an up that was killed is in the way: it never had the volume', async () => {
    await dryRun(true)
    stub.replies['GET /h/servers'] = standing(3, { volumes: [] })
    assert.match((await refusal('server', server)) ?? '', /has a server named/)
    stub.replies['GET /h/servers'] = standing(3, { volumes: [], generation: '2' })
    assert.equal(await refusal('server', server), undefined)
  })

  it('it must be gone when the new one is made', async () => {
    await dryRun(false)
    stub.replies['GET /h/servers'] = standing(3)
    assert.match((await refusal('server', server)) ?? '', /has a server named/)
  })

  it('the stock is looked at where the address is', async () => {
    const from = preflight({ serverType: 'cx33', location: 'fsn1' })
    assert.match((await refusal('server', server, { from })) ?? '', /cx33, which is sold out in hel1/)
  })
})
