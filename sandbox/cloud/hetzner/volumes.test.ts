import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, idAt, refused, runningServer, settled, type TestCloud, testCloud } from '../testbed.ts'

const create = ({ hetzner }: TestCloud, change: Record<string, unknown> = {}) =>
  hetzner('POST', '/volumes', { name: 'data', size: 10, location: 'hel1', ...change })

const act = ({ hetzner }: TestCloud, id: number, action: string, body: unknown = {}) =>
  hetzner('POST', `/volumes/${id}/actions/${action}`, body)

test('each field is checked, sizes from 10 GB to 10 TB', async (t) => {
  const cloud = testCloud(t)
  for (const size of [9, 10_241, 10.5, '10']) refused(await create(cloud, { size }), 422, 'invalid_input', 'size')
  refused(await create(cloud, { format: 'ntfs' }), 422, 'invalid_input', 'format')
  refused(await create(cloud, { location: 'mars' }), 422, 'invalid_input', 'location')
  refused(await create(cloud, { location: undefined }), 422, 'invalid_input', 'location')
  refused(await create(cloud, { server: 1 }), 422, 'invalid_input', 'server')
  refused(await create(cloud, { name: 'a'.repeat(65) }), 422, 'invalid_input', 'name')
  assert.equal((await create(cloud, { name: 'a'.repeat(64), size: 10_240 })).status, 201)
  const made = await create(cloud)
  assert.equal(made.status, 201)
  const id = idAt(made, 'volume', 'id')
  assert.equal(at(made, 'volume', 'linux_device'), `/dev/disk/by-id/scsi-0HC_Volume_${id}`)
  refused(await create(cloud), 409, 'uniqueness_error', 'name')
})

test('a volume is attached to one server, in its location', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud), 'volume', 'id')
  const away = idAt(await create(cloud, { name: 'away', location: 'fsn1' }), 'volume', 'id')
  refused(await act(cloud, id, 'attach', { server: 1 }), 422, 'invalid_input', 'server')
  const server = await runningServer(cloud)
  refused(await act(cloud, away, 'attach', { server }), 422, 'invalid_input', 'server')
  refused(await act(cloud, id, 'detach'), 422, 'invalid_input', 'id')
  assert.equal((await act(cloud, id, 'attach', { server })).status, 201)
  refused(await act(cloud, id, 'attach', { server }), 409, 'volume_already_attached')
  refused(await cloud.hetzner('DELETE', `/volumes/${id}`), 409, 'resource_in_use')
  await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${server}`), 'action', 'id'))
  assert.equal(at(await cloud.hetzner('GET', `/volumes/${id}`), 'volume', 'server'), null)
  assert.equal((await cloud.hetzner('DELETE', `/volumes/${id}`)).status, 204)
})

test('a volume can be ordered for a server, and a server with a volume', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud), 'volume', 'id')
  const server = await runningServer(cloud, { volumes: [id] })
  const second = idAt(await create(cloud, { name: 'second', server, location: undefined }), 'volume', 'id')
  assert.deepEqual(at(await cloud.hetzner('GET', `/servers/${server}`), 'server', 'volumes'), [id, second])
  const order = { name: 'b', server_type: 'cx23', image: 'debian-13', location: 'hel1', volumes: [id] }
  refused(await cloud.hetzner('POST', '/servers', order), 409, 'volume_already_attached')
})

test('a volume only grows, and not while it is protected can it be deleted', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud), 'volume', 'id')
  refused(await act(cloud, id, 'resize', { size: 10 }), 422, 'invalid_input', 'size')
  assert.equal((await act(cloud, id, 'resize', { size: 11 })).status, 201)
  assert.equal(at(await cloud.hetzner('GET', `/volumes/${id}`), 'volume', 'size'), 11)
  assert.equal((await act(cloud, id, 'change_protection', { delete: true })).status, 201)
  refused(await cloud.hetzner('DELETE', `/volumes/${id}`), 423, 'protected')
})
