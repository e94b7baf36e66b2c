import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, idAt, publicKey, refused, runningServer, settled, type TestCloud, testCloud } from '../testbed.ts'

const order = { name: 'mqtt', server_type: 'cx23', image: 'debian-13', location: 'hel1' }

const post = ({ hetzner }: TestCloud, change: Record<string, unknown> = {}) =>
  hetzner('POST', '/servers', { ...order, ...change })

const act = ({ hetzner }: TestCloud, id: number, action: string, body: unknown = {}) =>
  hetzner('POST', `/servers/${id}/actions/${action}`, body)

const address = async ({ hetzner }: TestCloud, change: Record<string, unknown> = {}) =>
  idAt(
    await hetzner('POST', '/primary_ips', { name: 'a', type: 'ipv4', location: 'hel1', ...change }),
    'primary_ip',
    'id',
  )

const works = ({ datacenter }: TestCloud) => datacenter.calls.map(([work]) => work)

test('each field of an order is checked, and nothing is made of a wrong one', async (t) => {
  const cloud = testCloud(t)
  const wrong: [Record<string, unknown>, string][] = [
    ...['', '-a', 'a-', 'a_b', 'a..b', 'a b', 'a'.repeat(64), `${'a.'.repeat(126)}ab`, 7].map(
      (name): [Record<string, unknown>, string] => [{ name }, 'name'],
    ),
    [{ server_type: 'cx22' }, 'server_type'],
    [{ server_type: undefined }, 'server_type'],
    [{ image: 'debian-11' }, 'image'],
    [{ image: 310557661 }, 'image'],
    [{ location: 'mars' }, 'location'],
    [{ location: 'ash' }, 'server_type'],
    [{ ssh_keys: [1] }, 'ssh_keys'],
    [{ ssh_keys: ['nobody'] }, 'ssh_keys'],
    [{ firewalls: [{ firewall: 1 }] }, 'firewalls'],
    [{ firewalls: Array(6).fill({ firewall: 1 }) }, 'firewalls'],
    [{ volumes: [1] }, 'volumes'],
    [{ user_data: 7 }, 'user_data'],
    [{ labels: { '-': '' } }, 'labels'],
    [{ public_net: { ipv4: 1 } }, 'public_net.ipv4'],
    [{ public_net: { enable_ipv6: false, ipv6: 1 } }, 'public_net.ipv6'],
    [{ start_after_create: false }, 'start_after_create'],
    [{ networks: [1] }, 'networks'],
    [{ placement_group: 1 }, 'placement_group'],
  ]
  for (const [change, field] of wrong) refused(await post(cloud, change), 422, 'invalid_input', field)
  refused(await post(cloud, { server_type: 'cax11', image: 'debian-13' }), 412, 'resource_unavailable')
  refused(await post(cloud, { public_net: { enable_ipv4: false } }), 422, 'unsupported_error')
  assert.deepEqual([cloud.store.state.servers, cloud.store.state.primaryIps, cloud.datacenter.calls], [[], [], []])
})

test('user data has at most 32 KiB, counted in bytes', async (t) => {
  const cloud = testCloud(t)
  refused(await post(cloud, { user_data: 'a'.repeat(32_769) }), 422, 'invalid_input', 'user_data')
  refused(await post(cloud, { user_data: 'ä'.repeat(16_385) }), 422, 'invalid_input', 'user_data')
  assert.equal((await post(cloud, { user_data: 'ä'.repeat(16_384) })).status, 201)
  assert.equal((await post(cloud, { name: 'b', user_data: '\n'.repeat(32_768) })).status, 201)
})

test('names: 63 characters a label and 253 in all, each once', async (t) => {
  const cloud = testCloud(t)
  const longest = `${`${'a'.repeat(63)}.`.repeat(3)}${'a'.repeat(61)}`
  assert.equal(longest.length, 253)
  assert.equal((await post(cloud, { name: longest })).status, 201)
  refused(await post(cloud, { name: `${longest}a` }), 422, 'invalid_input', 'name')
  const made = await post(cloud)
  refused(await post(cloud), 409, 'uniqueness_error', 'name')
  const path = `/servers/${idAt(made, 'server', 'id')}`
  refused(await cloud.hetzner('PUT', path, { name: longest }), 409, 'uniqueness_error', 'name')
  refused(await cloud.hetzner('PUT', path, { name: 'a_b' }), 422, 'invalid_input', 'name')
  const renamed = await cloud.hetzner('PUT', path, { name: 'other', labels: { a: 'b' } })
  assert.deepEqual([at(renamed, 'server', 'name'), at(renamed, 'server', 'labels')], ['other', { a: 'b' }])
})

test('type, image, location and keys are found by name or by id', async (t) => {
  const cloud = testCloud(t)
  const key = idAt(await cloud.hetzner('POST', '/ssh_keys', { name: 'deploy', public_key: publicKey }), 'ssh_key', 'id')
  await runningServer(cloud, { server_type: 114, image: 114690387, location: 2, ssh_keys: [key, 'deploy'] })
  const made = cloud.datacenter.calls[0]
  assert.deepEqual([at({ json: made }, 1, 'image'), at({ json: made }, 1, 'sshKeys')], ['debian-12', [publicKey]])
  assert.equal(cloud.store.summary().servers[0]?.location, 'nbg1')
  await runningServer(cloud, { name: 'anywhere', location: undefined })
  assert.equal(cloud.store.summary().servers[1]?.location, 'fsn1')
})

test('addresses are given from .10 upward, freed ones again, the last is .250', async (t) => {
  const cloud = testCloud(t)
  const first = await runningServer(cloud)
  await runningServer(cloud, { name: 'second' })
  const addresses = () => cloud.store.summary().servers.map(({ ipv4 }) => ipv4)
  assert.deepEqual(addresses(), ['10.77.3.10', '10.77.3.11'])
  assert.equal(cloud.store.state.primaryIps.length, 4)
  await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${first}`), 'action', 'id'))
  assert.equal(cloud.store.state.primaryIps.length, 2)
  await runningServer(cloud, { name: 'third' })
  assert.deepEqual(addresses(), ['10.77.3.11', '10.77.3.10'])
  const [sample] = cloud.store.state.servers
  assert.ok(sample)
  cloud.store.change((state) => {
    state.servers = Array.from({ length: 99 }, (_, n) => ({
      ...sample,
      id: n,
      name: `s${n}`,
      address: `10.77.3.${n + 10}`,
    }))
    state.primaryIps = state.primaryIps.slice(0, 1)
    const [ip] = state.primaryIps
    assert.ok(ip)
    for (let host = 109; host < 250; host++) state.primaryIps.push({ ...ip, id: host, address: `10.77.3.${host}` })
  })
  await runningServer(cloud, { name: 'last', public_net: { enable_ipv6: false } })
  assert.equal(addresses().at(-1), '10.77.3.250')
  refused(await post(cloud, { name: 'over' }), 403, 'resource_limit_exceeded')
  cloud.store.change((state) => state.servers.splice(98, 1))
  const freed = await post(cloud, { name: 'over' })
  assert.equal(at(freed, 'server', 'public_net', 'ipv4', 'ip'), '10.77.3.108')
})

test('a Primary IP is taken only when it is free, of the right kind and in the same place', async (t) => {
  const cloud = testCloud(t)
  const [ipv4, ipv6, away] = [
    await address(cloud),
    await address(cloud, { name: 'b', type: 'ipv6' }),
    await address(cloud, { name: 'c', location: 'fsn1' }),
  ]
  refused(await post(cloud, { public_net: { ipv4: ipv6 } }), 422, 'primary_ip_version_mismatch')
  refused(await post(cloud, { public_net: { ipv4, ipv6: ipv4 } }), 422, 'primary_ip_version_mismatch')
  refused(await post(cloud, { public_net: { ipv4: away } }), 422, 'primary_ip_datacenter_mismatch')
  const server = await runningServer(cloud, { public_net: { ipv4, ipv6 } })
  refused(await post(cloud, { name: 'b', public_net: { ipv4 } }), 409, 'primary_ip_assigned')
  await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${server}`), 'action', 'id'))
  await runningServer(cloud, { name: 'b', public_net: { ipv4, ipv6 } })
})

test('a server that cannot be made stays, off, and can be deleted', async (t) => {
  const cloud = testCloud(t)
  cloud.datacenter.failures.set('createServer', 'no space left on device')
  const answer = await post(cloud)
  assert.equal(answer.status, 201)
  for (const path of [['action'], ['next_actions', 0]]) {
    const [action] = await settled(cloud, idAt(answer, ...path, 'id'))
    assert.deepEqual(
      [action?.status, action?.error],
      ['error', { code: 'action_failed', message: 'no space left on device' }],
    )
  }
  const id = idAt(answer, 'server', 'id')
  const server = await cloud.hetzner('GET', `/servers/${id}`)
  assert.deepEqual([at(server, 'server', 'status'), at(server, 'server', 'locked')], ['off', false])
  await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${id}`), 'action', 'id'))
  refused(await cloud.hetzner('GET', `/servers/${id}`), 404, 'not_found')
})

test('a server that cannot be deleted keeps what it has', async (t) => {
  const cloud = testCloud(t)
  const id = await runningServer(cloud)
  cloud.datacenter.failures.set('deleteServer', 'device is busy')
  const [action] = await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${id}`), 'action', 'id'))
  assert.deepEqual(action?.error, { code: 'action_failed', message: 'device is busy' })
  const server = await cloud.hetzner('GET', `/servers/${id}`)
  assert.deepEqual(
    [at(server, 'server', 'status'), at(server, 'server', 'public_net', 'ipv4', 'ip')],
    ['unknown', '10.77.3.10'],
  )
  cloud.datacenter.failures.clear()
  await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${id}`), 'action', 'id'))
  assert.deepEqual(cloud.store.state.servers, [])
})

test('while an action is under way every other one is locked out', async (t) => {
  const cloud = testCloud(t)
  const made = Promise.withResolvers<void>()
  cloud.datacenter.delays.set('createServer', made.promise)
  const answer = await post(cloud)
  const id = idAt(answer, 'server', 'id')
  const bodies = {
    change_type: { server_type: 'cx33', upgrade_disk: false },
    rebuild: { image: 'debian-13' },
    change_protection: { delete: true },
  }
  for (const action of ['poweron', 'poweroff', 'reboot', 'reset', 'shutdown'])
    refused(await act(cloud, id, action), 423, 'locked')
  for (const [action, body] of Object.entries(bodies)) refused(await act(cloud, id, action, body), 423, 'locked')
  refused(await cloud.hetzner('DELETE', `/servers/${id}`), 423, 'locked')
  made.resolve()
  await settled(cloud, idAt(answer, 'action', 'id'))
  assert.equal((await act(cloud, id, 'poweroff')).status, 201)
})

test('power actions reach the machine room and show in the status', async (t) => {
  const cloud = testCloud(t)
  const id = await runningServer(cloud)
  const status = async () => at(await cloud.hetzner('GET', `/servers/${id}`), 'server', 'status')
  for (const [action, expected] of [
    ['shutdown', 'off'],
    ['poweron', 'running'],
    ['reboot', 'running'],
    ['reset', 'running'],
    ['poweroff', 'off'],
  ] as const) {
    await settled(cloud, idAt(await act(cloud, id, action), 'action', 'id'))
    assert.equal(await status(), expected, action)
  }
  assert.deepEqual(works(cloud), ['createServer', 'powerOff', 'powerOn', 'reboot', 'powerOff', 'powerOn', 'powerOff'])
  cloud.datacenter.failures.set('powerOn', 'it does not start')
  const [failed] = await settled(cloud, idAt(await act(cloud, id, 'poweron'), 'action', 'id'))
  assert.deepEqual([failed?.status, await status()], ['error', 'unknown'])
})

test('a protected server is neither deleted nor rebuilt', async (t) => {
  const cloud = testCloud(t)
  const id = await runningServer(cloud)
  refused(await act(cloud, id, 'change_protection'), 422, 'invalid_input', 'delete')
  refused(await act(cloud, id, 'change_protection', { delete: true, rebuild: false }), 422, 'invalid_input', 'rebuild')
  assert.equal((await act(cloud, id, 'change_protection', { delete: true, rebuild: true })).status, 201)
  assert.deepEqual(at(await cloud.hetzner('GET', `/servers/${id}`), 'server', 'protection'), {
    delete: true,
    rebuild: true,
  })
  refused(await cloud.hetzner('DELETE', `/servers/${id}`), 423, 'protected')
  refused(await act(cloud, id, 'rebuild', { image: 'debian-12' }), 423, 'protected')
  assert.equal((await act(cloud, id, 'change_protection', { delete: false, rebuild: false })).status, 201)
  assert.equal((await cloud.hetzner('DELETE', `/servers/${id}`)).status, 200)
})

test('a rebuild makes the machine again under the same id and address', async (t) => {
  const cloud = testCloud(t)
  const id = await runningServer(cloud, { user_data: 'old' })
  refused(await act(cloud, id, 'rebuild', { image: 'debian-11' }), 422, 'invalid_input', 'image')
  refused(
    await act(cloud, id, 'rebuild', { image: 'debian-12', user_data: 'a'.repeat(32_769) }),
    422,
    'invalid_input',
    'user_data',
  )
  await settled(cloud, idAt(await act(cloud, id, 'rebuild', { image: 'debian-12', user_data: 'new' }), 'action', 'id'))
  assert.deepEqual(works(cloud), ['createServer', 'deleteServer', 'createServer'])
  const again = { json: cloud.datacenter.calls.at(-1) }
  assert.deepEqual(
    ['id', 'image', 'userData', 'ipv4'].map((key) => at(again, 1, key)),
    [id, 'debian-12', 'new', '10.77.3.10'],
  )
})

test('a type change wants a stopped server and a type that fits', async (t) => {
  const cloud = testCloud(t)
  const id = await runningServer(cloud, { server_type: 'cx33' })
  const change = (server_type: unknown, upgrade_disk = false) =>
    act(cloud, id, 'change_type', { server_type, upgrade_disk })
  refused(await change('cx43'), 412, 'server_not_stopped')
  await settled(cloud, idAt(await act(cloud, id, 'poweroff'), 'action', 'id'))
  refused(await change('cx99'), 422, 'invalid_input', 'server_type')
  refused(await change('cx33'), 422, 'invalid_input', 'server_type')
  refused(await change('cx23'), 422, 'invalid_server_type')
  refused(await change('cax21'), 422, 'invalid_server_type')
  refused(await act(cloud, id, 'change_type', { server_type: 'cx43' }), 422, 'invalid_input', 'upgrade_disk')
  await settled(cloud, idAt(await change('cx43', true), 'action', 'id'))
  await settled(cloud, idAt(await act(cloud, id, 'poweroff'), 'action', 'id'))
  const server = await cloud.hetzner('GET', `/servers/${id}`)
  assert.deepEqual(
    [at(server, 'server', 'server_type', 'name'), at(server, 'server', 'primary_disk_size')],
    ['cx43', 160],
  )
  refused(await change('cx33'), 422, 'invalid_server_type')
})
