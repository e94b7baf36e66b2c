import assert from 'node:assert/strict'
import { test } from 'node:test'
import { at, refused, runningServer, testCloud } from '../testbed.ts'
import { Actions } from './actions.ts'

test('actions are listed by their ids alone', async (t) => {
  const { hetzner, store } = testCloud(t)
  const actions = new Actions(store)
  const [first, second] = [actions.start('a', []), actions.start('b', [])]
  actions.finish(first)
  const answer = await hetzner('GET', `/actions?id=${second.id}&id=${first.id}&page=1&sort=status&sort=id`)
  assert.deepEqual(at(answer, 'actions'), [second, first])
  const listed = await hetzner('GET', `/actions?id=${first.id}&id=1`)
  assert.deepEqual(at(listed, 'actions'), [first])
  assert.equal(at(listed, 'meta', 'pagination', 'total_entries'), 1)
  refused(await hetzner('GET', '/actions'), 410, 'deprecated_api_endpoint')
  refused(await hetzner('GET', '/actions/1'), 404, 'not_found')
  for (const id of ['', 'x', '0', '-1', '1.5', '1e99']) {
    refused(await hetzner('GET', `/actions?id=${id}`), 422, 'invalid_input', 'id')
  }
})

test('fifty ids are taken and fifty-one are not', async (t) => {
  const { hetzner } = testCloud(t)
  const query = (count: number) => Array.from({ length: count }, (_, n) => `id=${n + 1}`).join('&')
  assert.equal((await hetzner('GET', `/actions?${query(50)}`)).status, 200)
  refused(await hetzner('GET', `/actions?${query(51)}`), 422, 'invalid_input', 'id')
})

test('of more than a thousand actions the oldest finished one is forgotten, never a running one', (t) => {
  const { store } = testCloud(t)
  const actions = new Actions(store)
  const running = actions.start('slow', [])
  const finished = actions.done('quick', [])
  t.mock.method(store, 'change', (mutate: (state: typeof store.state) => unknown) => mutate(store.state))
  for (let n = 2; n < 1000; n++) actions.start('more', [])
  assert.equal(store.state.actions.length, 1000)
  assert.ok(store.state.actions.includes(finished))
  actions.start('one too many', [])
  assert.equal(store.state.actions.length, 1000)
  assert.ok(store.state.actions.includes(running))
  assert.ok(!store.state.actions.includes(finished))
})

test('a failure that is no Error becomes a message too', (t) => {
  const { store } = testCloud(t)
  const actions = new Actions(store)
  const action = actions.start('a', [])
  actions.finish(action, 'no room')
  assert.deepEqual([action.status, action.progress, action.error?.message], ['error', 100, 'no room'])
})

test('an action runs until the machine room is done', async (t) => {
  const cloud = testCloud(t)
  const id = await runningServer(cloud)
  const off = Promise.withResolvers<void>()
  cloud.datacenter.delays.set('powerOff', off.promise)
  const answer = await cloud.hetzner('POST', `/servers/${id}/actions/poweroff`)
  assert.deepEqual(
    [at(answer, 'action', 'status'), at(answer, 'action', 'progress'), at(answer, 'action', 'finished')],
    ['running', 0, null],
  )
  assert.deepEqual(at(answer, 'action', 'resources'), [{ id, type: 'server' }])
  assert.equal(at(await cloud.hetzner('GET', `/servers/${id}`), 'server', 'status'), 'stopping')
  off.resolve()
})
