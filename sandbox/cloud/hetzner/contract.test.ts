import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { at, idAt, publicKey, runningServer, settled, testCloud } from '../testbed.ts'
import * as schema from './schema.ts'

const anyone = ['0.0.0.0/0', '::/0']

test('one `pulumi up` and `pulumi destroy` as the genuine provider asks it', async (t) => {
  const cloud = testCloud(t)
  const { hetzner, datacenter } = cloud

  const key = await hetzner('POST', '/ssh_keys', { name: 'deploy', public_key: publicKey, labels: {} })
  assert.equal(key.status, 201)
  const { ssh_key } = z.object({ ssh_key: schema.sshKey }).parse(key.json)

  const address = await hetzner('POST', '/primary_ips', {
    name: 'address',
    type: 'ipv4',
    labels: {},
    auto_delete: false,
    location: 'hel1',
  })
  assert.equal(address.status, 201)
  const { primary_ip } = z.object({ primary_ip: schema.primaryIp, action: z.null() }).parse(address.json)
  assert.equal(primary_ip.ip, '10.77.3.10')
  const read = await hetzner('GET', `/primary_ips/${primary_ip.id}`)
  assert.deepEqual(at(read, 'primary_ip'), at(address, 'primary_ip'))

  const rules = [
    { direction: 'in', source_ips: anyone, protocol: 'tcp', port: '80' },
    { direction: 'in', source_ips: ['10.77.3.1/32'], protocol: 'tcp', port: '22', description: 'ssh' },
    { direction: 'in', source_ips: anyone, protocol: 'icmp' },
  ]
  const walled = await hetzner('POST', '/firewalls', { name: 'wall', labels: {}, rules })
  assert.equal(walled.status, 201)
  const { firewall } = z
    .object({ firewall: schema.firewall, actions: z.array(schema.action).length(0) })
    .parse(walled.json)
  assert.deepEqual(firewall.rules[1], { ...rules[1], destination_ips: [] })
  assert.deepEqual([firewall.rules[0]?.description, firewall.rules[2]?.port], [null, null])
  z.object({ firewall: schema.firewall }).parse((await hetzner('GET', `/firewalls/${firewall.id}`)).json)

  const types = await hetzner('GET', '/server_types?name=cx23')
  const { server_types } = z
    .object({ server_types: z.array(schema.serverType), meta: schema.pagination })
    .parse(types.json)
  assert.deepEqual(
    server_types.map(({ name, architecture }) => [name, architecture]),
    [['cx23', 'x86']],
  )
  assert.equal(server_types[0]?.locations.find(({ name }) => name === 'hel1')?.available, true)

  const found = await hetzner('GET', '/images?architecture=x86&include_deprecated=true&name=debian-13')
  const { images } = z.object({ images: z.array(schema.image).length(1), meta: schema.pagination }).parse(found.json)
  assert.deepEqual([images[0]?.name, images[0]?.architecture], ['debian-13', 'x86'])
  assert.equal((await hetzner('GET', `/ssh_keys/${ssh_key.id}`)).status, 200)
  assert.equal(at(await hetzner('GET', '/ssh_keys?name=deploy'), 'ssh_keys', 0, 'id'), ssh_key.id)

  const ordered = await hetzner('POST', '/servers', {
    name: 'mqtt.skerry.test',
    server_type: 'cx23',
    image: images[0]?.id,
    ssh_keys: [ssh_key.id],
    location: 'hel1',
    user_data: '#cloud-config\n',
    labels: { generation: '1' },
    firewalls: [{ firewall: firewall.id }],
    public_net: { enable_ipv4: true, enable_ipv6: false, ipv4: primary_ip.id },
  })
  assert.equal(ordered.status, 201)
  const { server, action, next_actions } = z
    .object({
      server: schema.server,
      action: schema.action,
      next_actions: z.array(schema.action),
      root_password: z.null(),
    })
    .parse(ordered.json)
  assert.deepEqual(
    [server.status, server.locked, action.status, action.command],
    ['initializing', true, 'running', 'create_server'],
  )
  assert.equal(server.public_net.ipv6, null)
  for (const { status } of await settled(cloud, action.id)) assert.equal(status, 'success')
  for (const { id } of next_actions) assert.equal((await settled(cloud, id))[0]?.status, 'success')

  const running = z.object({ server: schema.server }).parse((await hetzner('GET', `/servers/${server.id}`)).json).server
  assert.deepEqual([running.status, running.locked, running.public_net.ipv4?.ip], ['running', false, '10.77.3.10'])
  assert.deepEqual(running.public_net.firewalls, [{ id: firewall.id, status: 'applied' }])
  const enforced = rules.map(({ description, ...rule }) => rule)
  assert.deepEqual(datacenter.calls, [
    [
      'createServer',
      {
        id: server.id,
        name: 'mqtt.skerry.test',
        image: 'debian-13',
        ipv4: '10.77.3.10',
        ipv6: null,
        userData: '#cloud-config\n',
        sshKeys: [publicKey],
        rules: enforced,
      },
    ],
  ])

  // a changed firewall
  const set = await hetzner('POST', `/firewalls/${firewall.id}/actions/set_rules`, { rules: [rules[0]] })
  assert.equal(set.status, 201)
  const { actions } = z.object({ actions: z.array(schema.action).length(2) }).parse(set.json)
  await settled(cloud, ...actions.map(({ id }) => id))
  assert.deepEqual(datacenter.calls.at(-1), ['setFirewall', server.id, [enforced[0]]])

  // destroy
  const deleted = await hetzner('DELETE', `/servers/${server.id}`)
  assert.equal(deleted.status, 200)
  const deletion = z.object({ action: schema.action }).parse(deleted.json).action
  assert.equal((await settled(cloud, deletion.id))[0]?.status, 'success')
  assert.deepEqual(datacenter.calls.at(-1), ['deleteServer', server.id])
  assert.equal((await hetzner('GET', `/servers/${server.id}`)).status, 404)
  assert.equal((await hetzner('DELETE', `/ssh_keys/${ssh_key.id}`)).status, 204)
  const freed = z.object({ firewall: schema.firewall }).parse((await hetzner('GET', `/firewalls/${firewall.id}`)).json)
  assert.deepEqual(freed.firewall.applied_to, [])
  assert.equal((await hetzner('DELETE', `/firewalls/${firewall.id}`)).status, 204)
  assert.equal((await hetzner('DELETE', `/primary_ips/${primary_ip.id}`)).status, 204)
  assert.deepEqual(cloud.store.summary().addresses, [])
})

test('addresses, volume and reverse DNS survive a new server', async (t) => {
  const cloud = testCloud(t)
  const { hetzner } = cloud
  const address = async (type: string) => {
    const made = await hetzner('POST', '/primary_ips', {
      name: type,
      type,
      labels: {},
      auto_delete: false,
      location: 'hel1',
    })
    return z.object({ primary_ip: schema.primaryIp }).parse(made.json).primary_ip
  }
  const [ipv4, ipv6] = [await address('ipv4'), await address('ipv6')]
  assert.equal(ipv6.ip, 'fd3b:6c1e:a703:10::/64')
  const own = ipv6.ip.replace('/64', '1')
  const made = await hetzner('POST', '/volumes', { name: 'data', size: 10, location: 'hel1', format: 'ext4' })
  assert.equal(made.status, 201)
  const { volume, action } = z.object({ volume: schema.volume, action: schema.action }).parse(made.json)
  await settled(cloud, action.id)
  assert.equal(
    (
      await hetzner('POST', `/primary_ips/${ipv4.id}/actions/change_dns_ptr`, {
        ip: ipv4.ip,
        dns_ptr: 'mqtt.skerry.test',
      })
    ).status,
    201,
  )
  assert.equal(
    (
      await hetzner('POST', `/primary_ips/${ipv6.id}/actions/change_dns_ptr`, {
        ip: own,
        dns_ptr: 'mqtt.skerry.test',
      })
    ).status,
    201,
  )

  const public_net = { enable_ipv4: true, enable_ipv6: true, ipv4: ipv4.id, ipv6: ipv6.id }
  const first = await runningServer(cloud, { public_net })
  const attached = await hetzner('POST', `/volumes/${volume.id}/actions/attach`, { server: first, automount: false })
  assert.equal(attached.status, 201)
  await settled(cloud, idAt(attached, 'action', 'id'))
  assert.deepEqual(at(await hetzner('GET', `/servers/${first}`), 'server', 'volumes'), [volume.id])

  // a new generation: detach, DELETE, POST with the same addresses, attach
  const detached = await hetzner('POST', `/volumes/${volume.id}/actions/detach`, {})
  assert.equal(detached.status, 201)
  await settled(cloud, idAt(detached, 'action', 'id'))
  await settled(cloud, idAt(await hetzner('DELETE', `/servers/${first}`), 'action', 'id'))
  const second = await runningServer(cloud, { public_net })
  assert.notEqual(second, first)
  const again = await hetzner('POST', `/volumes/${volume.id}/actions/attach`, { server: second, automount: true })
  assert.equal(again.status, 201)
  await settled(cloud, idAt(again, 'action', 'id'))
  assert.deepEqual(
    cloud.datacenter.calls.map(([work, one, other, automount]) =>
      work === 'createServer' ? [work, at({ json: one }, 'ipv6')] : [work, one, other, automount],
    ),
    [
      ['createVolume', { id: volume.id, size: 10, format: 'ext4' }, undefined, undefined],
      ['createServer', 'fd3b:6c1e:a703:10::'],
      ['attachVolume', volume.id, first, false],
      ['detachVolume', volume.id, undefined, undefined],
      ['deleteServer', first, undefined, undefined],
      ['createServer', 'fd3b:6c1e:a703:10::'],
      ['attachVolume', volume.id, second, true],
    ],
  )
  const { server } = z.object({ server: schema.server }).parse((await hetzner('GET', `/servers/${second}`)).json)
  assert.deepEqual([server.public_net.ipv4?.ip, server.public_net.ipv6?.ip], [ipv4.ip, ipv6.ip])
  assert.equal(server.public_net.ipv4?.dns_ptr, 'mqtt.skerry.test')
  assert.deepEqual(server.public_net.ipv6?.dns_ptr, [{ ip: own, dns_ptr: 'mqtt.skerry.test' }])
})

test('a type change: power off, change, which starts it again', async (t) => {
  const cloud = testCloud(t)
  const id = await runningServer(cloud)
  const act = async (action: string, body: unknown = {}) => {
    const answer = await cloud.hetzner('POST', `/servers/${id}/actions/${action}`, body)
    assert.equal(answer.status, 201, JSON.stringify(answer.json))
    assert.equal((await settled(cloud, idAt(answer, 'action', 'id')))[0]?.status, 'success')
    return z.object({ server: schema.server }).parse((await cloud.hetzner('GET', `/servers/${id}`)).json).server
  }
  assert.equal((await act('poweroff')).status, 'off')
  const changed = await act('change_type', { server_type: 'cx33', upgrade_disk: false })
  assert.deepEqual([changed.server_type.name, changed.primary_disk_size, changed.status], ['cx33', 40, 'running'])
  assert.deepEqual(
    cloud.datacenter.calls.map(([work]) => work),
    ['createServer', 'powerOff', 'powerOn'],
  )
})

test('every offer has the form that clients read', async (t) => {
  const { hetzner } = testCloud(t)
  z.object({ locations: z.array(schema.location).length(6), meta: schema.pagination }).parse(
    (await hetzner('GET', '/locations')).json,
  )
  const types = z
    .object({ server_types: z.array(schema.serverType) })
    .parse((await hetzner('GET', '/server_types')).json)
  for (const { name, architecture, locations } of types.server_types) {
    assert.ok(
      locations.every(({ available }) => available === (architecture === 'x86')),
      name,
    )
  }
  const { images } = z.object({ images: z.array(schema.image) }).parse((await hetzner('GET', '/images')).json)
  for (const path of [`/images/${images[0]?.id}`, `/server_types/${types.server_types[0]?.id}`, '/locations/3']) {
    assert.equal((await hetzner('GET', path)).status, 200)
  }
  assert.equal((await hetzner('GET', '/locations/7')).status, 404)
})
