import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, idAt, refused, runningServer, settled, type TestCloud, testCloud } from '../testbed.ts'

const create = ({ hetzner }: TestCloud, change: Record<string, unknown> = {}) =>
  hetzner('POST', '/primary_ips', { name: 'address', type: 'ipv4', location: 'hel1', ...change })

const act = ({ hetzner }: TestCloud, id: number, action: string, body: unknown = {}) =>
  hetzner('POST', `/primary_ips/${id}/actions/${action}`, body)

async function powerOff(cloud: TestCloud, server: number) {
  await settled(cloud, idAt(await cloud.hetzner('POST', `/servers/${server}/actions/poweroff`), 'action', 'id'))
}

test('each field is checked', async (t) => {
  const cloud = testCloud(t)
  refused(await create(cloud, { type: 'ipv5' }), 422, 'invalid_input', 'type')
  refused(await create(cloud, { location: 'mars' }), 422, 'invalid_input', 'location')
  refused(await create(cloud, { location: undefined }), 422, 'invalid_input', 'location')
  refused(await create(cloud, { assignee_type: 'load_balancer' }), 422, 'invalid_input', 'assignee_type')
  refused(await create(cloud, { assignee_id: 1 }), 422, 'unsupported_error')
  refused(await create(cloud, { auto_delete: 'no' }), 422, 'invalid_input', 'auto_delete')
  assert.equal((await create(cloud)).status, 201)
  refused(await create(cloud), 409, 'uniqueness_error', 'name')
})

test('networks are all different', async (t) => {
  const cloud = testCloud(t)
  const made = await Promise.all([1, 2, 3].map((n) => create(cloud, { name: `n${n}`, type: 'ipv6' })))
  const networks = made.map((answer) => String(at(answer, 'primary_ip', 'ip')))
  assert.deepEqual(
    networks.sort(),
    ['10', '11', '12'].map((subnet) => `fd3b:6c1e:a703:${subnet}::/64`),
  )
  // One that was freed is given again, but not while a machine still has it.
  const server = await runningServer(cloud, {
    public_net: { ipv6: idAt(made[1] ?? assert.fail(), 'primary_ip', 'id') },
  })
  await powerOff(cloud, server)
  const [, taken] = made.map((answer) => idAt(answer, 'primary_ip', 'id'))
  assert.equal((await act(cloud, taken ?? 0, 'unassign')).status, 201)
  assert.equal((await cloud.hetzner('DELETE', `/primary_ips/${taken}`)).status, 204)
  assert.equal(at(await create(cloud, { name: 'n4', type: 'ipv6' }), 'primary_ip', 'ip'), 'fd3b:6c1e:a703:13::/64')
  await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${server}`), 'action', 'id'))
  assert.equal(at(await create(cloud, { name: 'n5', type: 'ipv6' }), 'primary_ip', 'ip'), networks.sort()[1])
})

test('a protected address is not deleted', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud), 'primary_ip', 'id')
  refused(await act(cloud, id, 'change_protection', {}), 422, 'invalid_input', 'delete')
  assert.equal((await act(cloud, id, 'change_protection', { delete: true })).status, 201)
  assert.equal(at(await cloud.hetzner('GET', `/primary_ips/${id}`), 'primary_ip', 'protection', 'delete'), true)
  refused(await cloud.hetzner('DELETE', `/primary_ips/${id}`), 423, 'protected')
  assert.equal((await act(cloud, id, 'change_protection', { delete: false })).status, 201)
  assert.equal((await cloud.hetzner('DELETE', `/primary_ips/${id}`)).status, 204)
})

test('reverse DNS is set for addresses that belong to it, and falls back', async (t) => {
  const cloud = testCloud(t)
  const ipv4 = idAt(await create(cloud), 'primary_ip', 'id')
  const made = await create(cloud, { name: 'net', type: 'ipv6' })
  const [ipv6, network] = [idAt(made, 'primary_ip', 'id'), String(at(made, 'primary_ip', 'ip')).replace('/64', '')]
  const pointers = async (id: number) => at(await cloud.hetzner('GET', `/primary_ips/${id}`), 'primary_ip', 'dns_ptr')
  const point = (id: number, ip: unknown, dns_ptr: unknown) => act(cloud, id, 'change_dns_ptr', { ip, dns_ptr })
  const standard = [{ ip: '10.77.3.10', dns_ptr: 'static.10.3.77.10.clients.your-server.de' }]
  assert.deepEqual(await pointers(ipv4), standard)
  assert.equal((await point(ipv4, '10.77.3.10', 'a.skerry.test')).status, 201)
  assert.deepEqual(await pointers(ipv4), [{ ip: '10.77.3.10', dns_ptr: 'a.skerry.test' }])
  assert.equal((await point(ipv4, '10.77.3.10', null)).status, 201)
  assert.deepEqual(await pointers(ipv4), standard)

  assert.equal((await point(ipv6, `${network}1`, 'a.skerry.test')).status, 201)
  assert.equal((await point(ipv6, `${network}1`, 'b.skerry.test')).status, 201)
  assert.deepEqual(await pointers(ipv6), [{ ip: `${network}1`, dns_ptr: 'b.skerry.test' }])
  assert.equal((await point(ipv6, `${network}1`, null)).status, 201)
  assert.deepEqual(await pointers(ipv6), [])
  for (const [id, ip] of [
    [ipv4, '10.77.3.11'],
    [ipv6, '2001:db8:ffff::1'],
    [ipv6, '10.77.3.10'],
    [ipv6, ''],
    [ipv6, `${network}1%lo`],
  ] as const) {
    refused(await point(id, ip, 'a.skerry.test'), 422, 'invalid_input', 'ip')
  }
  for (const name of ['', 'a b', '-a', 'a'.repeat(254)])
    refused(await point(ipv4, '10.77.3.10', name), 422, 'invalid_input', 'dns_ptr')
})

test('a network has a hundred pointers and not one more', async (t) => {
  const cloud = testCloud(t)
  const made = await create(cloud, { type: 'ipv6' })
  const [id, network] = [idAt(made, 'primary_ip', 'id'), String(at(made, 'primary_ip', 'ip')).replace('/64', '')]
  const point = (host: number) =>
    act(cloud, id, 'change_dns_ptr', { ip: `${network}${host}`, dns_ptr: 'a.skerry.test' })
  for (let host = 1; host <= 100; host++) assert.equal((await point(host)).status, 201)
  refused(await point(101), 403, 'resource_limit_exceeded')
  assert.equal((await point(100)).status, 201)
})

test('an address leaves a server only when that is off, and comes back only there', async (t) => {
  const cloud = testCloud(t)
  const ip = idAt(await create(cloud), 'primary_ip', 'id')
  const other = idAt(await create(cloud, { name: 'other' }), 'primary_ip', 'id')
  const away = idAt(await create(cloud, { name: 'away', location: 'fsn1' }), 'primary_ip', 'id')
  refused(await act(cloud, ip, 'unassign'), 422, 'invalid_input', 'id')
  const server = await runningServer(cloud, { public_net: { ipv4: ip, enable_ipv6: false } })
  assert.equal(at(await cloud.hetzner('GET', `/primary_ips/${ip}`), 'primary_ip', 'assignee_id'), server)
  refused(await act(cloud, ip, 'unassign'), 412, 'server_not_stopped')
  refused(await cloud.hetzner('DELETE', `/primary_ips/${ip}`), 412, 'server_not_stopped')
  await powerOff(cloud, server)
  const assign = (id: number, assignee_id = server) =>
    act(cloud, id, 'assign', { assignee_id, assignee_type: 'server' })
  refused(await assign(ip), 409, 'primary_ip_already_assigned')
  refused(await assign(other), 409, 'server_has_ipv4')
  refused(await assign(other, 1), 422, 'invalid_input', 'assignee_id')
  refused(await assign(away), 422, 'primary_ip_datacenter_mismatch')
  assert.equal((await act(cloud, ip, 'unassign')).status, 201)
  assert.equal(at(await cloud.hetzner('GET', `/servers/${server}`), 'server', 'public_net', 'ipv4'), null)
  refused(await cloud.hetzner('POST', `/servers/${server}/actions/poweron`), 422, 'unsupported_error')
  refused(await assign(other), 422, 'unsupported_error')
  assert.equal((await assign(ip)).status, 201)
  assert.equal((await cloud.hetzner('POST', `/servers/${server}/actions/poweron`)).status, 201)
})

test('an IPv6 network moves between servers that are off', async (t) => {
  const cloud = testCloud(t)
  const [one, two] = [await runningServer(cloud), await runningServer(cloud, { name: 'two' })]
  const network = cloud.store.state.primaryIps.find(({ type, server }) => type === 'ipv6' && server === one)?.id ?? 0
  await powerOff(cloud, one)
  await powerOff(cloud, two)
  assert.equal((await act(cloud, network, 'unassign')).status, 201)
  refused(await act(cloud, network, 'assign', { assignee_id: two, assignee_type: 'server' }), 409, 'server_has_ipv6')
  assert.equal((await act(cloud, network, 'assign', { assignee_id: one, assignee_type: 'server' })).status, 201)
})

test('an address that is to be deleted with its server is, and one that is not stays', async (t) => {
  const cloud = testCloud(t)
  const kept = idAt(await create(cloud), 'primary_ip', 'id')
  const passing = idAt(await create(cloud, { name: 'passing', auto_delete: true, type: 'ipv6' }), 'primary_ip', 'id')
  const server = await runningServer(cloud, { public_net: { ipv4: kept, ipv6: passing } })
  await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${server}`), 'action', 'id'))
  assert.equal(at(await cloud.hetzner('GET', `/primary_ips/${kept}`), 'primary_ip', 'assignee_id'), null)
  refused(await cloud.hetzner('GET', `/primary_ips/${passing}`), 404, 'not_found')
})
