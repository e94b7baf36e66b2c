import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { at, idAt, refused, runningServer, settled, type TestCloud, testCloud } from '../testbed.ts'

const rule = { direction: 'in', protocol: 'tcp', port: '80', source_ips: ['0.0.0.0/0'] }

const create = ({ hetzner }: TestCloud, rules: unknown, extra = {}) =>
  hetzner('POST', '/firewalls', { name: 'wall', rules, ...extra })

const started = z.object({ actions: z.array(z.object({ id: z.int(), command: z.string() })) })

async function act(cloud: TestCloud, id: number, action: string, body: unknown) {
  const answer = await cloud.hetzner('POST', `/firewalls/${id}/actions/${action}`, body)
  assert.equal(answer.status, 201, JSON.stringify(answer.json))
  const { actions } = started.parse(answer.json)
  if (actions.length > 0) await settled(cloud, ...actions.map((one) => one.id))
  return actions.map(({ command }) => command)
}

test('each part of a rule is checked', async (t) => {
  const cloud = testCloud(t)
  const wrong: [Record<string, unknown>, string][] = [
    [{ direction: 'sideways' }, 'rules.0.direction'],
    [{ protocol: 'sctp' }, 'rules.0.protocol'],
    [{ port: undefined }, 'rules.0.port'],
    [{ protocol: 'icmp' }, 'rules.0.port'],
    [{ source_ips: [] }, 'rules.0.source_ips'],
    [{ source_ips: Array(101).fill('10.0.0.0/8') }, 'rules.0.source_ips'],
    [{ destination_ips: ['10.0.0.0/8'] }, 'rules.0.destination_ips'],
    [{ description: 'd'.repeat(256) }, 'rules.0.description'],
    ...['0', '65536', '80-', '85-80', '80-65536', 'any', '080', '80,81', '-1', ' 80'].map(
      (port): [Record<string, unknown>, string] => [{ port }, 'rules.0.port'],
    ),
    ...[
      '10.0.0.1',
      '10.0.0.0/33',
      '10.0.0.1/8',
      '10.0.0/8',
      '2001:db8::1/32',
      '::/129',
      'fe80::%eth0/64',
      'all',
      '',
    ].map((network): [Record<string, unknown>, string] => [{ source_ips: [network] }, 'rules.0.source_ips.0']),
  ]
  for (const [change, field] of wrong) {
    refused(await create(cloud, [{ ...rule, ...change }]), 422, 'invalid_input', field)
  }
  assert.deepEqual(cloud.store.state.firewalls, [])
  const fine = [
    { ...rule, port: '1' },
    { ...rule, port: '65535' },
    { ...rule, port: '80-80', protocol: 'udp' },
    { ...rule, description: 'd'.repeat(255) },
    { ...rule, source_ips: ['10.0.0.1/32', '::/0', '2001:db8::/32', '10.77.3.1/32'] },
    { direction: 'in', protocol: 'icmp', source_ips: Array(100).fill('10.0.0.0/8') },
  ]
  assert.equal((await create(cloud, fine)).status, 201)
})

test('fifty rules are taken and fifty-one are not', async (t) => {
  const cloud = testCloud(t)
  refused(await create(cloud, Array(51).fill(rule)), 422, 'invalid_input', 'rules')
  const made = await create(cloud, Array(50).fill(rule))
  assert.equal(made.status, 201)
  const path = `/firewalls/${idAt(made, 'firewall', 'id')}/actions/set_rules`
  refused(await cloud.hetzner('POST', path, { rules: Array(51).fill(rule) }), 422, 'invalid_input', 'rules')
  refused(await cloud.hetzner('POST', path, {}), 422, 'invalid_input', 'rules')
})

test('rules that the machine room cannot enforce are refused, not ignored', async (t) => {
  const cloud = testCloud(t)
  const networks = ['0.0.0.0/0']
  const rules = [
    { direction: 'out', protocol: 'tcp', port: '80', destination_ips: networks },
    { direction: 'in', protocol: 'gre', source_ips: networks },
    { direction: 'in', protocol: 'esp', source_ips: networks },
  ]
  for (const one of rules) refused(await create(cloud, [one]), 422, 'unsupported_error')
})

test('a server has the rules of all its firewalls, none at all without rules, and everything without a firewall', async (t) => {
  const cloud = testCloud(t)
  const firewall = idAt(await create(cloud, []), 'firewall', 'id')
  const second = idAt(await create(cloud, [rule], { name: 'second' }), 'firewall', 'id')
  const server = await runningServer(cloud)
  const here = [{ type: 'server', server: { id: server } }]
  const last = () => cloud.datacenter.calls.at(-1)
  assert.equal(at({ json: last() }, 1, 'rules'), null)

  assert.deepEqual(await act(cloud, firewall, 'apply_to_resources', { apply_to: here }), ['apply_firewall'])
  assert.deepEqual(last(), ['setFirewall', server, []])
  await act(cloud, second, 'apply_to_resources', { apply_to: here })
  assert.deepEqual(last(), ['setFirewall', server, [rule]])
  assert.deepEqual(await act(cloud, firewall, 'set_rules', { rules: [{ ...rule, port: '22' }] }), [
    'set_firewall_rules',
    'apply_firewall',
  ])
  assert.deepEqual(last(), ['setFirewall', server, [{ ...rule, port: '22' }, rule]])
  assert.deepEqual(await act(cloud, firewall, 'remove_from_resources', { remove_from: here }), ['remove_firewall'])
  assert.deepEqual(last(), ['setFirewall', server, [rule]])
  await act(cloud, second, 'remove_from_resources', { remove_from: here })
  assert.deepEqual(last(), ['setFirewall', server, null])
  assert.deepEqual(await act(cloud, second, 'remove_from_resources', { remove_from: here }), [])
})

test('a firewall in use cannot be deleted', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud, [rule]), 'firewall', 'id')
  const server = await runningServer(cloud, { firewalls: [{ firewall: id }] })
  refused(await cloud.hetzner('DELETE', `/firewalls/${id}`), 409, 'resource_in_use')
  await act(cloud, id, 'remove_from_resources', { remove_from: [{ type: 'server', server: { id: server } }] })
  assert.equal((await cloud.hetzner('DELETE', `/firewalls/${id}`)).status, 204)
  refused(await cloud.hetzner('GET', `/firewalls/${id}`), 404, 'not_found')
})

test('a firewall is applied once, to servers that are there, five to a server', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud, []), 'firewall', 'id')
  const server = await runningServer(cloud, { firewalls: [{ firewall: id }] })
  const path = `/firewalls/${id}/actions/apply_to_resources`
  const here = [{ type: 'server', server: { id: server } }]
  refused(await cloud.hetzner('POST', path, { apply_to: here }), 409, 'firewall_already_applied')
  const nowhere = [{ type: 'server', server: { id: 1 } }]
  refused(await cloud.hetzner('POST', path, { apply_to: nowhere }), 422, 'firewall_resource_not_found')
  refused(await cloud.hetzner('POST', path, { apply_to: [{ type: 'server' }] }), 422, 'firewall_resource_not_found')
  refused(await cloud.hetzner('POST', path, { apply_to: [{ type: 'label_selector' }] }), 422, 'unsupported_error')
  refused(await cloud.hetzner('POST', path, { apply_to: [] }), 422, 'invalid_input', 'apply_to')
  for (const name of ['b', 'c', 'd', 'e']) assert.equal((await create(cloud, [], { name, apply_to: here })).status, 201)
  refused(await create(cloud, [], { name: 'f', apply_to: here }), 403, 'resource_limit_exceeded')
})

test('rules that cannot be enforced fail the action, with the reason', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud, [rule]), 'firewall', 'id')
  await runningServer(cloud, { firewalls: [{ firewall: id }] })
  cloud.datacenter.failures.set('setFirewall', 'nft: no such table')
  const answer = await cloud.hetzner('POST', `/firewalls/${id}/actions/set_rules`, { rules: [] })
  const [failed] = await settled(cloud, idAt(answer, 'actions', 1, 'id'))
  assert.deepEqual(failed?.error, { code: 'action_failed', message: 'nft: no such table' })
})

test('rules set while a server is made reach it after it was made', async (t) => {
  const cloud = testCloud(t)
  const made = Promise.withResolvers<void>()
  cloud.datacenter.delays.set('createServer', made.promise)
  const id = idAt(await create(cloud, []), 'firewall', 'id')
  const order = { name: 'mqtt', server_type: 'cx23', image: 'debian-13', firewalls: [{ firewall: id }] }
  const ordered = await cloud.hetzner('POST', '/servers', order)
  assert.equal(at(ordered, 'server', 'public_net', 'firewalls', 0, 'status'), 'pending')
  const set = await cloud.hetzner('POST', `/firewalls/${id}/actions/set_rules`, { rules: [rule] })
  const apply = idAt(set, 'actions', 1, 'id')
  assert.equal(at(await cloud.hetzner('GET', `/actions/${apply}`), 'action', 'status'), 'running')
  await setImmediate()
  assert.deepEqual(
    cloud.datacenter.calls.map(([work]) => work),
    ['createServer'],
  )
  made.resolve()
  await settled(cloud, apply)
  assert.deepEqual(cloud.datacenter.calls.at(-1), ['setFirewall', idAt(ordered, 'server', 'id'), [rule]])
})
