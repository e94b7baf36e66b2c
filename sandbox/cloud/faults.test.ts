import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ServerType, serve } from '@hono/node-server'
import {
  at,
  declined,
  hetznerToken,
  idAt,
  publicKey,
  refused,
  runningServer,
  settled,
  type TestCloud,
  testCloud,
  zonePath,
} from './testbed.ts'

const plan = ({ administer }: TestCloud, fault: object) => administer.hetzner('POST', '/_faults', fault)
const waiting = async ({ administer }: TestCloud) => at(await administer.hetzner('GET', '/_faults'), 'faults')
const key = { name: 'deploy', public_key: publicKey }

test('a planned answer is given as often as was planned, to its requests only, and nothing is done', async (t) => {
  const cloud = testCloud(t)
  const body = {
    error: { code: 'invalid_input', message: 'no', details: { fields: [{ name: 'name', messages: [] }] } },
  }
  const fault = { method: 'POST', path: '/v1/ssh_keys', times: 2, answer: { status: 422, body } }
  assert.equal((await plan(cloud, fault)).status, 201)
  assert.equal((await cloud.hetzner('GET', '/ssh_keys')).status, 200)
  assert.equal((await cloud.hetzner('POST', '/firewalls', { name: 'wall' })).status, 201)
  for (const _ of [1, 2]) refused(await cloud.hetzner('POST', '/ssh_keys', key), 422, 'invalid_input', 'name')
  assert.deepEqual(cloud.store.state.sshKeys, [])
  assert.equal((await cloud.hetzner('POST', '/ssh_keys', key)).status, 201)
  assert.deepEqual(await waiting(cloud), [])
})

test('a star stands for one segment, faults come in the order of planning and go when they are taken away', async (t) => {
  const cloud = testCloud(t)
  const answer = (status: number) => ({ status, body: { error: { code: `n${status}`, message: 'planned' } } })
  await plan(cloud, { method: 'GET', path: '/v1/servers/*', answer: answer(500) })
  await plan(cloud, { method: 'GET', path: '/v1/*/*', times: 1000, answer: answer(503) })
  assert.equal((await cloud.hetzner('GET', '/servers')).status, 200)
  assert.equal((await cloud.hetzner('GET', '/servers/1/actions')).status, 404)
  refused(await cloud.hetzner('GET', '/servers/1'), 500, 'n500')
  refused(await cloud.hetzner('GET', '/servers/1?page=1'), 503, 'n503')
  assert.equal((await cloud.administer.hetzner('DELETE', '/_faults')).status, 204)
  refused(await cloud.hetzner('GET', '/servers/1'), 404, 'not_found')
})

test('an action can be planned to fail: what it is for stays as it was, and what the answer names ends with it', async (t) => {
  const cloud = testCloud(t)
  const action = { code: 'placement_error', message: 'no host has room' }
  await plan(cloud, { method: 'POST', path: '/v1/servers', answer: { action } })
  const ordered = await cloud.hetzner('POST', '/servers', { name: 'mqtt', server_type: 'cx23', image: 'debian-13' })
  assert.equal(ordered.status, 201)
  const ids = [idAt(ordered, 'action', 'id'), idAt(ordered, 'next_actions', 0, 'id')]
  for (const { status, error } of await settled(cloud, ...ids)) assert.deepEqual([status, error], ['error', action])
  assert.deepEqual(cloud.datacenter.calls, [])
  const id = idAt(ordered, 'server', 'id')
  assert.deepEqual(at(await cloud.hetzner('GET', `/servers/${id}`), 'server', 'status'), 'off')
  const other = await runningServer(cloud, { name: 'other' })
  await plan(cloud, { method: 'DELETE', path: '/v1/servers/*', answer: { action: { message: 'host is down' } } })
  const [deletion] = await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${other}`), 'action', 'id'))
  assert.deepEqual(deletion?.error, { code: 'action_failed', message: 'host is down' })
  assert.equal((await cloud.hetzner('GET', `/servers/${other}`)).status, 200)
})

test('faults of Cloudflare are its own', async (t) => {
  const cloud = testCloud(t)
  const body = { success: false, result: null, errors: [{ code: 10000, message: 'Authentication error' }] }
  const fault = { method: 'POST', path: `/client/v4${zonePath}/dns_records`, answer: { status: 403, body } }
  assert.equal((await cloud.administer.cloudflare('POST', '/_faults', fault)).status, 201)
  const record = { type: 'A', name: 'a', content: '192.0.2.1' }
  declined(await cloud.cloudflare('POST', `${zonePath}/dns_records`, record), 403, 10000)
  assert.equal((await cloud.cloudflare('POST', `${zonePath}/dns_records`, record)).status, 200)
})

test('faults are planned with their own token and in their own form only, a hundred at most', async (t) => {
  const cloud = testCloud(t)
  const good = { method: 'GET', path: '/v1/servers', answer: 'close' }
  for (const authorization of ['', `Bearer ${hetznerToken}`]) {
    assert.equal((await cloud.administer.hetzner('POST', '/_faults', good, { authorization })).status, 401)
  }
  for (const wrong of [
    { method: 'get' },
    { path: 'v1' },
    { times: 0 },
    { times: 1001 },
    { answer: 'nothing' },
    { answer: { status: 200, body: {} } },
    { answer: { status: 600, body: {} } },
    { also: 1 },
  ]) {
    assert.equal((await plan(cloud, { ...good, ...wrong })).status, 422, JSON.stringify(wrong))
  }
  for (let count = 0; count < 100; count++) assert.equal((await plan(cloud, good)).status, 201)
  assert.equal((await plan(cloud, good)).status, 422)
})

/** The API on a port of its own. */
async function listening(t: TestContext, { hetznerApi }: TestCloud): Promise<number> {
  const server: ServerType = serve({ fetch: hetznerApi.fetch, hostname: '127.0.0.1', port: 0 })
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** @returns the answer's status, or the code of the error that the client gets */
async function ask(port: number, method: string, path: string, body: unknown, patience = 5_000): Promise<unknown> {
  const headers = { authorization: `Bearer ${hetznerToken}`, 'content-type': 'application/json' }
  const sent = request({ host: '127.0.0.1', port, method, path: `/v1${path}`, headers, agent: false })
  const { promise, resolve } = Promise.withResolvers<unknown>()
  sent.on('response', (response) => resolve(response.resume().statusCode))
  sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  sent.setTimeout(patience, () => sent.destroy(Object.assign(new Error('silence'), { code: 'SILENCE' })))
  sent.end(JSON.stringify(body))
  return await promise
}

test('a connection can be closed before or after the work, or stay silent', async (t) => {
  const cloud = testCloud(t)
  const port = await listening(t, cloud)
  const post = { method: 'POST', path: '/v1/ssh_keys' }
  await plan(cloud, { ...post, answer: 'close' })
  assert.equal(await ask(port, 'POST', '/ssh_keys', key), 'ECONNRESET')
  assert.equal(cloud.store.state.sshKeys.length, 0)
  await plan(cloud, { ...post, answer: 'timeout' })
  assert.equal(await ask(port, 'POST', '/ssh_keys', key, 200), 'SILENCE')
  assert.equal(cloud.store.state.sshKeys.length, 0)
  await plan(cloud, { ...post, answer: 'lost' })
  assert.equal(await ask(port, 'POST', '/ssh_keys', key), 'ECONNRESET')
  assert.equal(cloud.store.state.sshKeys.length, 1)
  assert.equal(await ask(port, 'POST', '/ssh_keys', key), 409)
  await plan(cloud, { ...post, answer: 'silent' })
  const other = { name: 'other', public_key: publicKey.replace('AAAAIGJ', 'AAAAIGK') }
  assert.equal(await ask(port, 'POST', '/ssh_keys', other, 200), 'SILENCE')
  assert.equal(cloud.store.state.sshKeys.length, 2)
})

test('a fault can wait for the request that says something', async (t) => {
  const cloud = testCloud(t)
  const answer = { status: 500, body: { error: { code: 'server_error', message: 'no' } } }
  await plan(cloud, { method: 'POST', path: '/v1/ssh_keys', body: { name: 'deploy' }, answer })
  refused(await cloud.hetzner('POST', '/ssh_keys', {}), 422, 'invalid_input')
  refused(await cloud.hetzner('POST', '/ssh_keys', key), 500, 'server_error')
  assert.equal((await cloud.hetzner('POST', '/ssh_keys', key)).status, 201)
})
