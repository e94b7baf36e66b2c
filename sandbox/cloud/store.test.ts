import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { CloudStore } from './store.ts'
import { idAt, publicKey, runningServer, testCloud, zone, zonePath } from './testbed.ts'

test('what was answered is there after a restart', async (t) => {
  const cloud = testCloud(t)
  await cloud.hetzner('POST', '/ssh_keys', { name: 'deploy', public_key: publicKey })
  await cloud.hetzner('POST', '/firewalls', { name: 'wall' })
  await cloud.cloudflare('POST', `${zonePath}/dns_records`, { type: 'A', name: zone, content: '10.77.3.10' })
  await runningServer(cloud, { ssh_keys: ['deploy'] })
  const again = CloudStore.open(cloud.file)
  assert.deepEqual(again.state, cloud.store.state)
  assert.deepEqual(again.dnsRecords(), [{ type: 'A', name: zone, content: '10.77.3.10' }])
  assert.ok(again.nextId() > (cloud.store.state.servers[0]?.id ?? Number.NaN))
})

test('the file is for its owner alone and is replaced as a whole', (t) => {
  const { store, file } = testCloud(t)
  store.change(() => {})
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(dirname(file)), ['state.json'])
  const before = readFileSync(file, 'utf8')
  assert.throws(() =>
    store.change(() => {
      throw new Error('refused')
    }),
  )
  assert.equal(readFileSync(file, 'utf8'), before)
})

test('an action that was under way when the cloud stopped has failed, and locks nothing', async (t) => {
  const cloud = testCloud(t)
  cloud.datacenter.delays.set('createServer', new Promise(() => {}))
  const order = { name: 'mqtt', server_type: 'cx23', image: 'debian-13' }
  const action = idAt(await cloud.hetzner('POST', '/servers', order), 'action', 'id')
  const { state } = CloudStore.open(cloud.file)
  const found = state.actions.find(({ id }) => id === action)
  assert.deepEqual([found?.status, found?.error?.code], ['error', 'action_failed'])
  assert.deepEqual([state.servers[0]?.status, state.servers[0]?.locked], ['unknown', false])
  assert.deepEqual(CloudStore.open(cloud.file).summary().underWay, [])
})

test('a file that is no state is refused with what to do', (t) => {
  const { file } = testCloud(t)
  mkdirSync(dirname(file), { recursive: true })
  for (const text of ['', '{', '[]', '{"version":2}', 'null']) {
    writeFileSync(file, text)
    assert.throws(() => CloudStore.open(file), /is not a state .* down/)
    assert.equal(readFileSync(file, 'utf8'), text)
  }
})

test('the summary names what stands, and no secret', async (t) => {
  const cloud = testCloud(t)
  await cloud.hetzner('POST', '/ssh_keys', { name: 'deploy', public_key: publicKey })
  const firewall = idAt(await cloud.hetzner('POST', '/firewalls', { name: 'wall' }), 'firewall', 'id')
  await cloud.hetzner('POST', '/volumes', { name: 'data', size: 10, location: 'hel1' })
  await cloud.cloudflare('POST', `${zonePath}/dns_records`, { type: 'A', name: zone, content: '10.77.3.10' })
  const id = await runningServer(cloud, {
    user_data: 'host key',
    firewalls: [{ firewall }],
    public_net: { enable_ipv6: false },
  })
  const summary = cloud.store.summary()
  assert.doesNotMatch(JSON.stringify(summary), /host key|AAAA/)
  assert.deepEqual(summary.servers, [
    {
      ...{ id, name: 'mqtt', status: 'running', type: 'cx23', location: 'hel1', firewalls: ['wall'] },
      ...{ ipv4: '10.77.3.10', ipv6: null },
    },
  ])
  assert.deepEqual(summary.addresses, [
    {
      name: `primary_ip-${cloud.store.state.primaryIps[0]?.id}`,
      address: '10.77.3.10',
      server: 'mqtt',
      protected: false,
    },
  ])
  assert.deepEqual(summary.firewalls, [{ name: 'wall', rules: 0 }])
  assert.deepEqual(summary.volumes, [{ name: 'data', size: 10, server: null }])
  assert.deepEqual(summary.records, [{ name: zone, type: 'A', content: '10.77.3.10' }])
  assert.deepEqual(
    summary.sshKeys.map(({ name }) => name),
    ['deploy'],
  )
})
