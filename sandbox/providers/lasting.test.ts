import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ServerType, serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { createCloudflareApi } from '../cloud/cloudflare/api.ts'
import { zoneId } from '../cloud/cloudflare/zones.ts'
import { createHetznerApi } from '../cloud/hetzner/api.ts'
import { RecordingDatacenter } from '../cloud/recording-datacenter.ts'
import { CloudStore } from '../cloud/store.ts'
import { locateEngine } from '../engine/locate.ts'
import { type TestProgram, testProgram } from '../engine/program.ts'

const zone = 'skerry.test'
const hetznerToken = 'h'.repeat(64)
const cloudflareToken = 'c'.repeat(40)
const faultToken = 'f'.repeat(64)

/** @param imported what each resource is taken over from, instead of being made */
const source = ({ generation = 1, protect = false, imported = {} as Record<string, string> } = {}) => `
import * as cloudflare from '@pulumi/cloudflare'
import * as hcloud from '@pulumi/hcloud'
import { interpolate } from '@pulumi/pulumi'
const imported = ${JSON.stringify(imported)}
const options = (name) => ({ protect: ${protect}, ...(imported[name] ? { import: imported[name] } : {}) })
const address = (type) => new hcloud.PrimaryIp(type,
  { name: type, type, location: 'hel1', autoDelete: false, deleteProtection: ${protect} }, options(type))
const [ipv4, ipv6] = [address('ipv4'), address('ipv6')]
const volume = new hcloud.Volume('data',
  { name: 'data', size: 10, location: 'hel1', format: 'ext4', deleteProtection: ${protect} }, options('data'))
const own = interpolate\`\${ipv6.ipAddress}1\`
const zoneId = '${zoneId(zone)}'
const record = { zoneId, name: 'mqtt.${zone}', ttl: 60, proxied: false }
new cloudflare.DnsRecord('a', { ...record, type: 'A', content: ipv4.ipAddress }, options('a'))
new cloudflare.DnsRecord('aaaa', { ...record, type: 'AAAA', content: own }, options('aaaa'))
const server = new hcloud.Server('mqtt', {
  name: 'mqtt', serverType: 'cx23', image: 'debian-13', location: 'hel1', userData: 'x', labels: { generation: '${generation}' },
  publicNets: [{ ipv4Enabled: true, ipv4: ipv4.id.apply(Number), ipv6Enabled: true, ipv6: ipv6.id.apply(Number) }],
}, { replaceOnChanges: ['labels.generation'], deleteBeforeReplace: true })
new hcloud.VolumeAttachment('data', { volumeId: volume.id.apply(Number), serverId: server.id.apply(Number), automount: false },
  // It is known by the volume's id: deleting the old one last would detach the new one.
  { deleteBeforeReplace: true })
new hcloud.Rdns('ipv6', { primaryIpId: ipv6.id.apply(Number), ipAddress: own, dnsPtr: 'mqtt.${zone}' })
`

describe('what outlives a server, with the real engine', { timeout: 900_000 }, () => {
  const datacenter = new RecordingDatacenter()
  const servers: ServerType[] = []
  let directory: string
  let store: CloudStore
  let hetzner: Hono
  let program: TestProgram

  async function start(api: Hono): Promise<number> {
    const server = serve({ port: 0, hostname: '127.0.0.1', fetch: api.fetch })
    servers.push(server)
    await new Promise((resolve) => server.once('listening', resolve))
    return (server.address() as AddressInfo).port
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skerry-lasting-test-'))
    store = CloudStore.open(join(directory, 'state.json'))
    hetzner = createHetznerApi({
      ...{ store, datacenter, token: hetznerToken, faultToken, architecture: 'x86' },
      ...{ network: '10.77.3.0/24', network6: 'fd3b:6c1e:a703::/48' },
    })
    const cloudflare = createCloudflareApi({ store, datacenter, token: cloudflareToken, zone })
    program = await testProgram(await locateEngine(() => {}))
    await program.pulumi('stack', 'init', 'test')
    const settings: [string, string][] = [
      ['hcloud:endpoint', `http://127.0.0.1:${await start(hetzner)}/v1`],
      ['hcloud:token', hetznerToken],
      ['hcloud:pollInterval', '20ms'],
      ['cloudflare:baseUrl', `http://127.0.0.1:${await start(cloudflare)}/client/v4`],
      ['cloudflare:apiToken', cloudflareToken],
    ]
    for (const [name, value] of settings) {
      assert.equal((await program.pulumi('config', 'set', '--secret', name, value)).exitCode, 0)
    }
  })
  after(async () => {
    for (const server of servers) server.close()
    await program?.close()
    await rm(directory, { recursive: true, force: true })
  })

  async function run(command: string, expected: RegExp, ...parameters: string[]): Promise<string> {
    const { exitCode, output } = await program.pulumi(command, '--yes', '--skip-preview', ...parameters)
    assert.equal(exitCode, 0, output)
    assert.match(output, expected)
    return output
  }

  const ask = (method: string, path: string, token = hetznerToken, body?: unknown) =>
    hetzner.request(path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  test('is made, read and left alone', async () => {
    await program.write(source())
    await run('up', /9 created/)
    const { addresses, records, volumes } = store.summary()
    assert.deepEqual(addresses.map(({ address, server }) => [address, server]).sort(), [
      ['10.77.3.10', 'mqtt'],
      ['fd3b:6c1e:a703:10::', 'mqtt'],
    ])
    assert.deepEqual(records.map(({ type, content }) => [type, content]).sort(), [
      ['A', '10.77.3.10'],
      ['AAAA', 'fd3b:6c1e:a703:10::1'],
    ])
    assert.deepEqual(volumes, [{ name: 'data', size: 10, server: 'mqtt' }])
    assert.deepEqual(store.state.primaryIps.find(({ type }) => type === 'ipv6')?.pointers, [
      { ip: 'fd3b:6c1e:a703:10::1', dns_ptr: 'mqtt.skerry.test' },
    ])
    await run('refresh', /9 unchanged/, '--expect-no-changes')
    await run('up', /9 unchanged/, '--expect-no-changes')
  })

  test('stays while the next generation of the server comes: detach, delete, order, attach', async () => {
    const before = store.summary()
    datacenter.calls.length = 0
    await program.write(source({ generation: 2 }))
    await run('up', /2 replaced/)
    assert.deepEqual(
      datacenter.calls.map(([work]) => work),
      ['detachVolume', 'deleteServer', 'createServer', 'attachVolume'],
    )
    const now = store.summary()
    assert.deepEqual([now.addresses, now.records, now.volumes], [before.addresses, before.records, before.volumes])
  })

  test('what was deleted elsewhere is noticed by a refresh and made again by the next `up`', async () => {
    const [server] = store.state.servers
    const [record] = store.state.records
    assert.equal((await ask('DELETE', `/v1/servers/${server?.id}`)).status, 200)
    store.change((state) => {
      state.records = state.records.filter(({ id }) => id !== record?.id)
    })
    await run('refresh', /3 deleted/)
    await run('up', /3 created/)
    await run('up', /9 unchanged/, '--expect-no-changes')
    assert.equal(store.summary().volumes[0]?.server, 'mqtt')
  })

  test('a server that another action has locked is deleted once it may be', async () => {
    const release = Promise.withResolvers<void>()
    datacenter.delays.set('reboot', release.promise)
    assert.equal((await ask('POST', `/v1/servers/${store.state.servers[0]?.id}/actions/reboot`)).status, 201)
    const lock = setTimeout(() => release.resolve(), 4_000)
    try {
      await program.write(source({ generation: 3 }))
      await run('up', /2 replaced/)
    } finally {
      clearTimeout(lock)
      release.resolve()
      datacenter.delays.clear()
    }
  })

  test('an action that fails is told with its reason, and the next `up` goes on from there', async () => {
    const answer = { action: { code: 'no_space_left', message: 'the rack is full' } }
    const fault = { method: 'POST', path: '/v1/volumes/*/actions/attach', answer }
    assert.equal((await ask('POST', '/_faults', faultToken, fault)).status, 201)
    await program.write(source({ generation: 4 }))
    const failed = await program.pulumi('up', '--yes', '--skip-preview')
    assert.notEqual(failed.exitCode, 0)
    assert.match(failed.output, /attach_volume failed: the rack is full \(no_space_left/)
    await run('up', /1 (created|replaced)/)
    assert.equal(store.summary().volumes[0]?.server, 'mqtt')
  })

  test('is not deleted while it is protected, by the engine or by the API', async () => {
    await program.write(source({ generation: 4, protect: true }))
    await run('up', /3 updated/)
    assert.deepEqual(
      store.summary().addresses.map((one) => one.protected),
      [true, true],
    )
    for (const path of [`primary_ips/${store.state.primaryIps[0]?.id}`, `volumes/${store.state.volumes[0]?.id}`]) {
      assert.equal((await ask('DELETE', `/v1/${path}`)).status, 423)
    }
    await run('destroy', /3 deleted/, '--exclude-protected')
    assert.deepEqual(store.state.servers, [])
    assert.equal(store.state.volumes.length, 1)
  })

  test('is taken over by another stack without a change', async () => {
    await program.pulumi('stack', 'rm', '--force', '--yes', '--preserve-config', 'test')
    await program.pulumi('stack', 'init', 'test')
    const ofType = (type: string) => store.state.records.find((record) => record.type === type)?.id
    const address = (type: string) => String(store.state.primaryIps.find((ip) => ip.type === type)?.id)
    const imported = {
      ...{ ipv4: address('ipv4'), ipv6: address('ipv6'), data: String(store.state.volumes[0]?.id) },
      ...{ a: `${zoneId(zone)}/${ofType('A')}`, aaaa: `${zoneId(zone)}/${ofType('AAAA')}` },
    }
    await program.write(source({ generation: 5, protect: true, imported }))
    await run('up', /5 imported/)
    await program.write(source({ generation: 5, protect: true }))
    await run('up', /9 unchanged/, '--expect-no-changes')
  })
})
