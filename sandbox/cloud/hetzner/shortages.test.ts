import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  at,
  hetznerToken,
  idAt,
  publicKey,
  refused,
  runningServer,
  settled,
  type TestCloud,
  testCloud,
} from '../testbed.ts'

const put = ({ administer }: TestCloud, body: unknown, headers = {}) =>
  administer.hetzner('PUT', '/_shortages', body, headers)

const order = { name: 'mqtt', server_type: 'cx23', image: 'debian-13', location: 'hel1' }

test('a type that is sold out says so where it is offered, and is not sold there', async (t) => {
  const cloud = testCloud(t)
  assert.equal((await put(cloud, { sold_out: [{ server_type: 'cx23', location: 'hel1' }] })).status, 200)
  const offered = async (type: string) => {
    const answer = await cloud.hetzner('GET', `/server_types?name=${type}`)
    const locations = at(answer, 'server_types', 0, 'locations') as { name: string; available: boolean }[]
    return locations.filter(({ available }) => available).map(({ name }) => name)
  }
  assert.deepEqual(await offered('cx23'), ['fsn1', 'nbg1'])
  assert.deepEqual(await offered('cx33'), ['fsn1', 'nbg1', 'hel1'])
  refused(await cloud.hetzner('POST', '/servers', order), 412, 'resource_unavailable')
  assert.deepEqual(cloud.store.state.servers, [])
  const id = await runningServer(cloud, { server_type: 'cx33' })
  await runningServer(cloud, { name: 'second', location: 'nbg1' })
  await put(cloud, { sold_out: [{ server_type: 'cx43', location: 'hel1' }] })
  await settled(cloud, idAt(await cloud.hetzner('POST', `/servers/${id}/actions/poweroff`), 'action', 'id'))
  const change = { server_type: 'cx43', upgrade_disk: false }
  refused(await cloud.hetzner('POST', `/servers/${id}/actions/change_type`, change), 412, 'resource_unavailable')
  await put(cloud, {})
  assert.deepEqual(await offered('cx23'), ['fsn1', 'nbg1', 'hel1'])
})

test('a quota is full at its number, for each kind on its own', async (t) => {
  const cloud = testCloud(t)
  await put(cloud, { limits: { server: 1, primary_ip: 2, volume: 0, firewall: 0, ssh_key: 0 } })
  const refuse = async (path: string, body: unknown, limit: string) => {
    const answer = await cloud.hetzner('POST', path, body)
    refused(answer, 403, 'resource_limit_exceeded')
    assert.deepEqual(at(answer, 'error', 'details'), { limits: [{ name: limit }] })
  }
  await runningServer(cloud)
  await refuse('/servers', { ...order, name: 'second' }, 'server_limit')
  await refuse('/primary_ips', { name: 'a', type: 'ipv4', location: 'hel1' }, 'primary_ip_limit')
  await refuse('/volumes', { name: 'a', size: 10, location: 'hel1' }, 'volume_limit')
  await refuse('/firewalls', { name: 'a' }, 'firewall_limit')
  await refuse('/ssh_keys', { name: 'a', public_key: publicKey }, 'ssh_key_limit')
})

test('shortages are made with their own token and in their own form only', async (t) => {
  const cloud = testCloud(t)
  assert.equal((await put(cloud, {}, { authorization: `Bearer ${hetznerToken}` })).status, 401)
  assert.equal((await put(cloud, { limits: { server: 101 } })).status, 422)
  assert.equal((await put(cloud, { limits: { floating_ip: 1 } })).status, 422)
  assert.equal((await put(cloud, { sold_out: [{ server_type: 'cx22', location: 'hel1' }] })).status, 422)
  assert.equal((await put(cloud, '{')).status, 422)
  const usual = { limits: {}, sold_out: [] }
  assert.deepEqual((await cloud.administer.hetzner('GET', '/_shortages')).json, usual)
})
