import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { createCloudflareApi } from '../cloud/cloudflare/api.ts'
import { zoneId } from '../cloud/cloudflare/zones.ts'
import { createHetznerApi } from '../cloud/hetzner/api.ts'
import { RecordingDatacenter } from '../cloud/recording-datacenter.ts'
import { CloudStore } from '../cloud/store.ts'
import { locateEngine } from './locate.ts'
import { type TestProgram, testProgram } from './program.ts'

const zone = 'skerry.test'
const hetznerToken = 'h'.repeat(64)
const cloudflareToken = 'c'.repeat(40)

const source = ({ port = '443', userData = 'first', generation = '1' } = {}) => `
import * as cloudflare from '@pulumi/cloudflare'
import * as hcloud from '@pulumi/hcloud'
import * as tls from '@pulumi/tls'
const type = hcloud.getServerTypeOutput({ name: 'cx23' })
const key = new tls.PrivateKey('deploy', { algorithm: 'ED25519' })
const sshKey = new hcloud.SshKey('deploy', { publicKey: key.publicKeyOpenssh, labels: { app: 'skerry' } })
const address = new hcloud.PrimaryIp('address', { type: 'ipv4', location: 'hel1', autoDelete: false, deleteProtection: false })
const firewall = new hcloud.Firewall('wall', { rules: [
  { direction: 'in', protocol: 'tcp', port: '${port}', sourceIps: ['0.0.0.0/0', '::/0'], description: 'web' },
  { direction: 'in', protocol: 'icmp', sourceIps: ['0.0.0.0/0', '::/0'] },
] })
const server = new hcloud.Server('mqtt', {
  name: 'mqtt', serverType: type.apply(({ name }) => name ?? ''), image: 'debian-13', location: 'hel1', userData: '${userData}',
  sshKeys: [sshKey.id], firewallIds: [firewall.id.apply(Number)], labels: { generation: '${generation}' },
  publicNets: [{ ipv4Enabled: true, ipv4: address.id.apply(Number), ipv6Enabled: false }],
}, { ignoreChanges: ['userData', 'image', 'location', 'sshKeys'], replaceOnChanges: ['labels.generation'], deleteBeforeReplace: true })
const zoneId = '${zoneId(zone)}'
new cloudflare.DnsRecord('a', { zoneId, name: 'mqtt.${zone}', type: 'A', content: address.ipAddress, ttl: 60, proxied: false })
new cloudflare.DnsRecord('caa', { zoneId, name: 'mqtt.${zone}', type: 'CAA', data: { flags: 0, tag: 'issue', value: 'acme.${zone}' }, ttl: 60 })
export const ip = server.ipv4Address
`

describe('the real engine, the stand-ins and the emulated cloud', { timeout: 900_000 }, () => {
  const datacenter = new RecordingDatacenter()
  const requests: string[] = []
  const servers: ReturnType<typeof serve>[] = []
  let directory: string
  let program: TestProgram

  /** Serves an API on a free port, and notes what is asked. */
  async function start(api: Hono): Promise<number> {
    const server = serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => {
        const { pathname } = new URL(request.url)
        if (!pathname.endsWith('/actions'))
          requests.push(`${request.method} ${pathname.replace(/^\/v1|^\/client\/v4/, '')}`)
        return api.fetch(request)
      },
    })
    servers.push(server)
    await new Promise((resolve) => server.once('listening', resolve))
    return (server.address() as AddressInfo).port
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skerry-cloud-test-'))
    const store = CloudStore.open(join(directory, 'state.json'))
    const hetzner = createHetznerApi({
      store,
      datacenter,
      token: hetznerToken,
      network: '10.77.3.0/24',
      network6: 'fd3b:6c1e:a703::/48',
      architecture: 'x86',
    })
    const cloudflare = createCloudflareApi({ store, datacenter, token: cloudflareToken, zone })
    const [hetznerPort, cloudflarePort] = [await start(hetzner), await start(cloudflare)]
    program = await testProgram(await locateEngine(() => {}))
    await program.pulumi('stack', 'init', 'test')
    const settings: [string, string][] = [
      ['hcloud:endpoint', `http://127.0.0.1:${hetznerPort}/v1`],
      ['hcloud:token', hetznerToken],
      ['hcloud:pollInterval', '20ms'],
      ['cloudflare:baseUrl', `http://127.0.0.1:${cloudflarePort}/client/v4`],
      ['cloudflare:apiToken', cloudflareToken],
    ]
    for (const [name, value] of settings) {
      const parameters = name.endsWith('oken') ? ['--secret', name, value] : [name, value]
      assert.equal((await program.pulumi('config', 'set', ...parameters)).exitCode, 0)
    }
  })
  after(async () => {
    for (const server of servers) server.close()
    await program?.close()
    await rm(directory, { recursive: true, force: true })
  })

  async function up(expected: RegExp, ...parameters: string[]): Promise<string[]> {
    requests.length = 0
    const { exitCode, output } = await program.pulumi('up', '--yes', '--skip-preview', ...parameters)
    assert.equal(exitCode, 0, output)
    assert.match(output, expected)
    return [...requests]
  }

  test('a preview looks up the server type and asks nothing else', async () => {
    await program.write(source())
    const { exitCode, output } = await program.pulumi('preview')
    assert.equal(exitCode, 0, output)
    assert.deepEqual(requests, ['GET /server_types'])
  })

  test('`up` makes everything; again it asks for nothing but the type; a refresh changes nothing', async () => {
    await up(/8 created/)
    assert.equal(datacenter.calls.filter(([work]) => work === 'createServer').length, 1)
    assert.deepEqual(await up(/8 unchanged/, '--expect-no-changes'), ['GET /server_types'])
    requests.length = 0
    const { exitCode, output } = await program.pulumi('refresh', '--yes', '--skip-preview', '--expect-no-changes')
    assert.equal(exitCode, 0, output)
    assert.equal(requests.filter((request) => request.startsWith('GET')).length, requests.length)
    assert.deepEqual(await up(/8 unchanged/, '--expect-no-changes'), ['GET /server_types'])
  })

  test('a changed rule changes the firewall alone', async () => {
    await program.write(source({ port: '8883' }))
    const asked = await up(/1 updated/)
    assert.ok(
      asked.some((request) => /^POST \/firewalls\/\d+\/actions\/set_rules$/.test(request)),
      asked.join('\n'),
    )
    assert.ok(!asked.some((request) => /^(POST|DELETE) \/servers/.test(request)))
  })

  test('other user data alone changes nothing; with the next generation the server is replaced', async () => {
    await program.write(source({ port: '8883', userData: 'second' }))
    await up(/8 unchanged/, '--expect-no-changes')
    await program.write(source({ port: '8883', userData: 'second', generation: '2' }))
    const asked = await up(/1 replaced/)
    const order = asked
      .filter((request) => /^(DELETE|POST) \/servers/.test(request))
      .map((request) => request.replace(/\d+/, 'N'))
    assert.deepEqual(order, ['DELETE /servers/N', 'POST /servers'])
    const orders = datacenter.calls.filter(([work]) => work === 'createServer').map(([, given]) => given)
    assert.equal(Reflect.get(Object(orders.at(-1)), 'userData'), 'second')
  })

  test('a server whose creation fails stays in the state and is not ordered twice', async () => {
    datacenter.failures.set('createServer', 'no power')
    await program.write(source({ port: '8883', userData: 'second', generation: '3' }))
    const failed = await program.pulumi('up', '--yes', '--skip-preview')
    assert.notEqual(failed.exitCode, 0)
    assert.match(failed.output, /The action \w+ failed: /)
    datacenter.failures.delete('createServer')
    const asked = await up(/unchanged|updated/)
    assert.ok(!asked.includes('POST /servers'), asked.join('\n'))
  })

  test('`destroy` leaves nothing', async () => {
    const { exitCode, output } = await program.pulumi('destroy', '--yes', '--skip-preview')
    assert.equal(exitCode, 0, output)
    assert.match(output, /8 deleted/)
    assert.deepEqual(
      datacenter.calls.findLast(([work]) => work === 'setRecords'),
      ['setRecords', []],
    )
  })
})
