import assert from 'node:assert/strict'
import { it } from 'node:test'
import { begunCreations, hasUnread, parseExported, withAdopted } from './deployment.ts'

const urn = (type: string, name: string) => `urn:pulumi:prod::skerry::${type}::${name}`
const server = 'hcloud:index/server:Server'
const firewall = 'hcloud:index/firewall:Firewall'
const secret = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', ciphertext: 'v1:x' }

const stored = (type: string, name: string, more: object = {}) => ({
  urn: urn(type, name),
  type,
  custom: true,
  id: '1',
  inputs: { name },
  outputs: { name },
  ...more,
})
const creating = (type: string, name: string, more: object = {}) => ({
  type: 'creating',
  resource: { urn: urn(type, name), type, custom: true, inputs: { name, userData: secret }, parent: 'p', ...more },
})
const state = (resources: object[], pending: object[]) =>
  parseExported(
    JSON.stringify({
      version: 3,
      deployment: { manifest: { magic: 'm' }, resources, pending_operations: pending, metadata: {} },
    }),
  )

it('what was begun and is there gets its id and is read by it, with everything that the engine knew of it', () => {
  const before = state([stored(server, 'other')], [creating(firewall, 'wall', { dependencies: ['d'] })])
  const { version, deployment } = withAdopted(before, new Map([[urn(firewall, 'wall'), '7']]))
  assert.equal(version, 3)
  assert.deepEqual(deployment.manifest, { magic: 'm' })
  assert.deepEqual(deployment.pending_operations, [])
  const [other, adopted, ...none] = deployment.resources
  assert.deepEqual([other?.id, none], ['1', []])
  assert.ok(adopted)
  const { inputs, parent, id, outputs, dependencies } = adopted
  assert.deepEqual([inputs, parent, id], [{ name: 'wall', userData: secret }, 'p', '7'])
  assert.deepEqual([outputs, dependencies], [undefined, ['d']])
})

it('a server is read from what was ordered, because an import would not know its addresses', () => {
  const { deployment } = withAdopted(state([], [creating(server, 'x')]), new Map([[urn(server, 'x'), '7']]))
  assert.deepEqual(deployment.resources[0]?.outputs, { name: 'x', userData: secret })
})

it('what was begun and is not there is forgotten', () => {
  const before = state([stored(server, 'x', { pendingReplacement: true })], [creating(server, 'x')])
  const { deployment } = withAdopted(before, new Map())
  assert.deepEqual(deployment.pending_operations, [])
  assert.deepEqual(
    deployment.resources.map(({ id, pendingReplacement }) => [id, pendingReplacement]),
    [['1', true]],
  )
})

it('of a replacement the new one takes the place of the old, which is deleted already or is yet to be', () => {
  const follower = stored(firewall, 'wall')
  for (const [old, expected] of [
    [{ pendingReplacement: true }, ['7', '1']],
    [{}, ['7', '1 condemned', '1']],
  ] as const) {
    const before = state([stored(server, 'x', old), follower], [creating(server, 'x')])
    const { deployment } = withAdopted(before, new Map([[urn(server, 'x'), '7']]))
    const found = deployment.resources.map((one) => `${one.id}${one.delete ? ' condemned' : ''}`)
    assert.deepEqual(found, expected)
  }
})

it('only creations are looked for, and what was never read is known', () => {
  const deleting = { type: 'deleting', resource: stored(server, 'x') }
  assert.equal(begunCreations(state([], [deleting, creating(firewall, 'wall')])).length, 1)
  assert.equal(hasUnread(state([stored(server, 'x')], [])), false)
  assert.equal(hasUnread(state([stored(server, 'x', { outputs: {} })], [])), true)
  assert.equal(hasUnread(state([stored('pulumi:providers:tls', 'x', { outputs: {} })], [])), false)
  assert.equal(hasUnread(state([{ urn: 'u', type: 'skerry:infra:Server' }], [])), false)
  assert.equal(hasUnread(parseExported('{"version":3,"deployment":{}}')), false)
})
