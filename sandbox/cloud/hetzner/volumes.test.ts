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
  refused(await create(cloud, { format: 'xfs' }), 422, 'unsupported_error')
  refused(await create(cloud, { format: 'ext4', automount: true }), 422, 'invalid_input', 'automount')
  refused(await create(cloud, { name: 'a'.repeat(65) }), 422, 'invalid_input', 'name')
  assert.equal((await create(cloud, { name: 'a'.repeat(64), size: 10_240 })).status, 201)
  const made = await create(cloud)
  assert.equal(made.status, 201)
  const id = idAt(made, 'volume', 'id')
  assert.equal(at(made, 'volume', 'linux_device'), `/dev/disk/by-id/scsi-0HC_Volume_${id}`)
  refused(await create(cloud), 409, 'uniqueness_error', 'name')
})

const done = async (cloud: TestCloud, answer: Awaited<ReturnType<typeof create>>) => {
  assert.equal(answer.status, 201, JSON.stringify(answer.json))
  const [action] = await settled(cloud, idAt(answer, 'action', 'id'))
  return action
}

const get = async (cloud: TestCloud, id: number, field: string) =>
  at(await cloud.hetzner('GET', `/volumes/${id}`), 'volume', field)

test('a volume is there when the machine room has made it', async (t) => {
  const cloud = testCloud(t)
  const making = Promise.withResolvers<void>()
  cloud.datacenter.delays.set('createVolume', making.promise)
  const made = await create(cloud, { format: 'ext4' })
  const id = idAt(made, 'volume', 'id')
  assert.equal(at(made, 'volume', 'status'), 'creating')
  making.resolve()
  assert.equal((await done(cloud, made))?.status, 'success')
  assert.equal(await get(cloud, id, 'status'), 'available')
  cloud.datacenter.failures.set('createVolume', 'no space left on device')
  const failed = await create(cloud, { name: 'more' })
  assert.deepEqual((await done(cloud, failed))?.error, { code: 'action_failed', message: 'no space left on device' })
  assert.equal((await cloud.hetzner('DELETE', `/volumes/${idAt(failed, 'volume', 'id')}`)).status, 204)
})

test('a volume is attached to one server, in its location', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud), 'volume', 'id')
  const away = idAt(await create(cloud, { name: 'away', location: 'fsn1' }), 'volume', 'id')
  refused(await act(cloud, id, 'attach', { server: 1 }), 422, 'invalid_input', 'server')
  const server = await runningServer(cloud)
  refused(await act(cloud, away, 'attach', { server }), 422, 'invalid_input', 'server')
  refused(await act(cloud, id, 'detach'), 422, 'invalid_input', 'id')
  const attaching = await act(cloud, id, 'attach', { server })
  assert.equal(at(attaching, 'action', 'command'), 'attach_volume')
  assert.equal((await done(cloud, attaching))?.status, 'success')
  refused(await act(cloud, id, 'attach', { server }), 409, 'volume_already_attached')
  refused(await cloud.hetzner('DELETE', `/volumes/${id}`), 409, 'resource_in_use')
  await settled(cloud, idAt(await cloud.hetzner('DELETE', `/servers/${server}`), 'action', 'id'))
  assert.equal(await get(cloud, id, 'server'), null)
  assert.equal((await cloud.hetzner('DELETE', `/volumes/${id}`)).status, 204)
  assert.deepEqual(cloud.datacenter.calls.at(-1), ['deleteVolume', id])
})

test('while a volume is plugged in or out its server is locked, and a failure leaves it where it was', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud), 'volume', 'id')
  const server = await runningServer(cloud)
  cloud.datacenter.failures.set('attachVolume', 'no slot is free')
  const attaching = await act(cloud, id, 'attach', { server })
  refused(await act(cloud, id, 'detach'), 423, 'locked')
  refused(await cloud.hetzner('DELETE', `/servers/${server}`), 423, 'locked')
  assert.deepEqual((await done(cloud, attaching))?.error, { code: 'action_failed', message: 'no slot is free' })
  assert.equal(await get(cloud, id, 'server'), null)
  assert.equal(at(await cloud.hetzner('GET', `/servers/${server}`), 'server', 'status'), 'running')
  cloud.datacenter.failures.clear()
  await done(cloud, await act(cloud, id, 'attach', { server, automount: true }))
  assert.deepEqual(cloud.datacenter.calls.at(-1), ['attachVolume', id, server, true])
  cloud.datacenter.failures.set('detachVolume', 'the plug is stuck')
  assert.equal((await done(cloud, await act(cloud, id, 'detach')))?.status, 'error')
  assert.equal(await get(cloud, id, 'server'), server)
})

test('a volume can be ordered for a server, and a server with a volume', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud), 'volume', 'id')
  const server = await runningServer(cloud, { volumes: [id] })
  const made = await create(cloud, { name: 'second', server, location: undefined, format: 'ext4', automount: true })
  const second = idAt(made, 'volume', 'id')
  await settled(cloud, idAt(made, 'next_actions', 0, 'id'))
  assert.deepEqual(at(await cloud.hetzner('GET', `/servers/${server}`), 'server', 'volumes'), [id, second])
  const works = cloud.datacenter.calls.map(([work, ...parameters]) => [work, ...parameters.slice(0, 3)])
  assert.deepEqual(
    works.filter(([work]) => work === 'attachVolume'),
    [
      ['attachVolume', id, server, false],
      ['attachVolume', second, server, true],
    ],
  )
  const order = { name: 'b', server_type: 'cx23', image: 'debian-13', location: 'hel1', volumes: [id] }
  refused(await cloud.hetzner('POST', '/servers', order), 409, 'volume_already_attached')
  cloud.datacenter.calls.length = 0
  const rebuilt = await cloud.hetzner('POST', `/servers/${server}/actions/rebuild`, { image: 'debian-12' })
  await settled(cloud, idAt(rebuilt, 'action', 'id'))
  assert.deepEqual(
    cloud.datacenter.calls.map(([work]) => work),
    ['deleteServer', 'createServer', 'attachVolume', 'attachVolume'],
  )
})

test('a volume only grows, and not while it is protected can it be deleted', async (t) => {
  const cloud = testCloud(t)
  const id = idAt(await create(cloud), 'volume', 'id')
  refused(await act(cloud, id, 'resize', { size: 10 }), 422, 'invalid_input', 'size')
  await done(cloud, await act(cloud, id, 'resize', { size: 11 }))
  assert.equal(await get(cloud, id, 'size'), 11)
  assert.deepEqual(cloud.datacenter.calls.at(-1), ['resizeVolume', id, 11])
  assert.equal((await act(cloud, id, 'change_protection', { delete: true })).status, 201)
  refused(await cloud.hetzner('DELETE', `/volumes/${id}`), 423, 'protected')
})
