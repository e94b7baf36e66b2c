import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { isKnown } from '../lifecycle.ts'
import { type Change, type Failure, PartlyCreatedError, type Resource } from '../provider.ts'
import { list, type Properties, requiredText, text, type Value } from '../values.ts'
import { type HcloudClient, member } from './client.ts'
import { onceUnlocked } from './locked.ts'
import { orderServer } from './server-order.ts'
import { serverOutputs } from './server-state.ts'

/** @see https://docs.hetzner.cloud/reference/cloud#servers-create-a-server */
const largestUserData = 32 * 1024
const goneInterval = 500
const goneChecks = 240

function check(inputs: Properties): Failure[] {
  const failures: Failure[] = []
  if (isKnown(inputs, 'userData') && Buffer.byteLength(text(inputs, 'userData') ?? '') > largestUserData) {
    failures.push({ property: 'userData', reason: `user data must not be longer than ${largestUserData} bytes` })
  }
  for (const name of ['serverType', 'image']) {
    if (inputs[name] === undefined || inputs[name] === '') failures.push({ property: name, reason: 'must be given' })
  }
  return failures
}

async function read(id: string, inputs: Properties, client: HcloudClient, signal: AbortSignal): Promise<Properties> {
  return serverOutputs(member(await client.request('GET', `/servers/${id}`, signal), 'server'), inputs)
}

async function act(id: string, action: string, body: Properties, client: HcloudClient, signal: AbortSignal) {
  const answer = await client.request('POST', `/servers/${id}/actions/${action}`, signal, body)
  await client.settle([member(answer, 'action')], signal)
}

async function changeFirewalls({ id, before, after }: Change, client: HcloudClient, signal: AbortSignal) {
  const server = { type: 'server', server: { id: Number(id) } }
  const [old, wanted] = [list(before, 'firewallIds').map(String), list(after, 'firewallIds').map(String)]
  const change = async (firewall: string, action: string, body: Properties) => {
    const answer = await client.request('POST', `/firewalls/${firewall}/actions/${action}`, signal, body)
    await client.settle(list(answer, 'actions'), signal)
  }
  for (const firewall of old.filter((entry) => !wanted.includes(entry))) {
    await change(firewall, 'remove_from_resources', { remove_from: [server] })
  }
  for (const firewall of wanted.filter((entry) => !old.includes(entry))) {
    await change(firewall, 'apply_to_resources', { apply_to: [server] })
  }
}

const protection = (inputs: Properties): Properties => ({
  delete: inputs.deleteProtection === true,
  rebuild: inputs.rebuildProtection === true,
})

export const server: Resource<HcloudClient> = {
  inputs: [
    'name',
    'serverType',
    'image',
    'location',
    'userData',
    'sshKeys',
    'labels',
    'firewallIds',
    'publicNets',
    'keepDisk',
    'deleteProtection',
    'rebuildProtection',
    'shutdownBeforeDeletion',
    'ignoreRemoteFirewallIds',
    'allowDeprecatedImages',
  ],
  forceNew: ['image', 'location', 'userData', 'sshKeys'],
  computed: ['status', 'ipv4Address', 'ipv6Address', 'ipv6Network', 'primaryDiskSize', 'backupWindow', 'backups'],
  unstable: ['status'],
  writeOnly: [
    'userData',
    'sshKeys',
    'image',
    'shutdownBeforeDeletion',
    'keepDisk',
    'ignoreRemoteFirewallIds',
    'allowDeprecatedImages',
  ],
  autoName: true,
  canonical: (properties) => ({
    labels: {},
    deleteProtection: false,
    rebuildProtection: false,
    ...properties,
    firewallIds: list(properties, 'firewallIds').map(String).sort(),
  }),
  check,

  async create(inputs, { client, signal }) {
    const answer = await client.request('POST', '/servers', signal, await orderServer(inputs, client, signal))
    const created = member(answer, 'server')
    const id = String(created.id)
    try {
      const actions: Value[] = [answer.action ?? null, ...list(answer, 'next_actions')]
      await client.settle(actions, signal)
      const wanted = protection(inputs)
      if (wanted.delete || wanted.rebuild) await act(id, 'change_protection', wanted, client, signal)
      return { id, outputs: await read(id, inputs, client, signal) }
    } catch (error) {
      // The server exists and costs money: it must stay in the state.
      throw new PartlyCreatedError(
        error instanceof Error ? error.message : String(error),
        id,
        serverOutputs(created, inputs),
      )
    }
  },

  async read(id, inputs, outputs, { client, signal }) {
    const answer = await client.find(`/servers/${id}`, signal)
    if (!answer) return null
    const found = serverOutputs(member(answer, 'server'), inputs)
    // Without the program's inputs, as in an import, what cannot be read back stays as it was.
    return {
      id,
      outputs:
        inputs.userData === undefined && outputs.userData !== undefined
          ? { ...found, userData: outputs.userData }
          : found,
    }
  },

  async update(change, { client, signal }) {
    const { id, before, after } = change
    const current = member(await client.request('GET', `/servers/${id}`, signal), 'server')
    const unchanged = isDeepStrictEqual(before, after)
    if (unchanged) return serverOutputs(current, after)
    if (before.name !== after.name) {
      await client.request('PUT', `/servers/${id}`, signal, { name: requiredText(after, 'name') })
    }
    if (!isDeepStrictEqual(before.labels ?? {}, after.labels ?? {})) {
      await client.request('PUT', `/servers/${id}`, signal, { labels: after.labels ?? {} })
    }
    if (before.serverType !== after.serverType) {
      if (current.status === 'running') await act(id, 'poweroff', {}, client, signal)
      const body = { server_type: requiredText(after, 'serverType'), upgrade_disk: after.keepDisk !== true }
      await act(id, 'change_type', body, client, signal)
    }
    await changeFirewalls(change, client, signal)
    if (!isDeepStrictEqual(before.publicNets, after.publicNets)) {
      throw new Error('The stand-in cannot change the public networks of a server: install the genuine hcloud provider')
    }
    if (!isDeepStrictEqual(protection(before), protection(after))) {
      await act(id, 'change_protection', protection(after), client, signal)
    }
    return read(id, after, client, signal)
  },

  async delete(id, outputs, { client, signal }) {
    if (outputs.shutdownBeforeDeletion === true) await act(id, 'shutdown', {}, client, signal)
    const answer = await onceUnlocked(signal, () => client.request('DELETE', `/servers/${id}`, signal))
    await client.settle([answer.action ?? null], signal)
    for (let look = 1; (await client.find(`/servers/${id}`, signal)) !== null; look++) {
      if (look === goneChecks) throw new Error(`The server ${id} is still there after its deletion has ended`)
      await setTimeout(goneInterval, undefined, { signal })
    }
  },
}
