import assert from 'node:assert/strict'
import { after, before, beforeEach, it } from 'node:test'
import { clientsOf } from '../preflight/clients.ts'
import { type StubApi, stubApi } from '../preflight/stub.ts'
import { find, isOutside } from './finding.ts'

const name = 'mqtt.example.com'
const labels = { 'managed-by': 'skerry' }
const zoneId = '0123456789abcdef0123456789abcdef'
const types = {
  volume: 'hcloud:index/volume:Volume',
  server: 'hcloud:index/server:Server',
  attachment: 'hcloud:index/volumeAttachment:VolumeAttachment',
  record: 'cloudflare:index/dnsRecord:DnsRecord',
}

let stub: StubApi
before(async () => {
  stub = await stubApi({})
})
after(() => stub.close())
beforeEach(() => {
  for (const key of Object.keys(stub.replies)) delete stub.replies[key]
})

/** @returns the id of what was found; undefined when nothing is to be taken */
async function found(type: keyof typeof types, inputs: Record<string, unknown>): Promise<string | undefined> {
  const values = { 'hcloud:endpoint': `${stub.url}/h`, 'cloudflare:baseUrl': `${stub.url}/cf` }
  const resource = { urn: 'u', type: types[type], custom: true, inputs }
  const finding = await find(resource, clientsOf({ values, environment: {} }))
  return 'id' in finding ? finding.id : undefined
}

it('what has the name and every label that was asked for is taken, and nothing else', async () => {
  const inputs = { name, labels }
  const volumes = (...list: object[]) => {
    stub.replies['GET /h/volumes'] = { body: { volumes: list } }
  }
  volumes()
  assert.equal(await found('volume', inputs), undefined)
  volumes({ id: 7, name })
  assert.equal(await found('volume', inputs), undefined)
  volumes({ id: 7, name, labels: { ...labels, mine: 'yes' } })
  assert.equal(await found('volume', inputs), '7')
  assert.equal(await found('volume', { name, labels: { ...labels, generation: '2' } }), undefined)
})

it('of servers the one that has the addresses that were ordered for it', async () => {
  const server = { id: 7, name, labels, public_net: { ipv4: { id: 3 } } }
  stub.replies['GET /h/servers'] = { body: { servers: [server] } }
  assert.equal(await found('server', { name, labels, publicNets: [{ ipv4: 3 }] }), '7')
  assert.equal(await found('server', { name, labels, publicNets: [{ ipv4: 4 }] }), undefined)
})

it('a volume is taken as attached only where it is in the very server', async () => {
  stub.replies['GET /h/volumes'] = {
    body: {
      volumes: [
        { id: 5, server: 7 },
        { id: 6, server: null },
      ],
    },
  }
  assert.equal(await found('attachment', { volumeId: 5, serverId: 7, automount: true }), '5')
  assert.equal(await found('attachment', { volumeId: 5, serverId: 8 }), undefined)
  assert.equal(await found('attachment', { volumeId: 6, serverId: 7 }), undefined)
})

it('records are taken by type and content, those for authorities by what they say', async () => {
  const caa = { id: 'C', type: 'CAA', name, data: { tag: 'issue', value: 'letsencrypt.org' } }
  stub.replies[`GET /cf/zones/${zoneId}/dns_records`] = {
    body: { result: [{ id: 'A', type: 'A', name, content: '192.0.2.1' }, caa] },
  }
  const record = (more: object) => found('record', { zoneId, name, ...more })
  assert.equal(await record({ type: 'A', content: '192.0.2.1' }), `${zoneId}/A`)
  assert.equal(await record({ type: 'A', content: '192.0.2.2' }), undefined)
  assert.equal(await record({ type: 'AAAA', content: '192.0.2.1' }), undefined)
  const data = (value: string) => ({ type: 'CAA', data: { flags: 0, tag: 'issue', value } })
  assert.equal(await record(data('letsencrypt.org')), `${zoneId}/C`)
  assert.equal(await record(data('other.org')), undefined)
})

it('keys, certificates and commands are in no cloud', () => {
  for (const type of ['tls:index/privateKey:PrivateKey', 'command:remote:Command', 'pulumi:providers:hcloud']) {
    assert.equal(isOutside(type), false)
  }
  for (const type of Object.values(types)) assert.equal(isOutside(type), true)
})
