import { isDeepStrictEqual } from 'node:util'
import { PartlyCreatedError, type Resource } from '../provider.ts'
import { isObject, type Properties, present, requiredText } from '../values.ts'
import { type HcloudClient, member } from './client.ts'

function outputsOf(address: Properties): Properties {
  const ip = String(address.ip ?? '')
  const isNetwork = address.type === 'ipv6'
  return present({
    name: address.name,
    type: address.type,
    // Of an IPv6 network the bare network address, not the server's own.
    ipAddress: isNetwork ? ip.split('/')[0] : ip,
    ipNetwork: isNetwork ? ip : undefined,
    assigneeId: address.assignee_id ?? 0,
    assigneeType: address.assignee_type,
    autoDelete: address.auto_delete,
    deleteProtection: isObject(address.protection) ? address.protection.delete : false,
    labels: address.labels,
    location: isObject(address.location) ? address.location.name : undefined,
  })
}

async function changeProtection(id: string, protect: boolean, client: HcloudClient, signal: AbortSignal) {
  const answer = await client.request('POST', `/primary_ips/${id}/actions/change_protection`, signal, {
    delete: protect,
  })
  await client.settle([member(answer, 'action')], signal)
}

async function readOutputs(id: string, client: HcloudClient, signal: AbortSignal): Promise<Properties> {
  return outputsOf(member(await client.request('GET', `/primary_ips/${id}`, signal), 'primary_ip'))
}

export const primaryIp: Resource<HcloudClient> = {
  inputs: ['name', 'type', 'location', 'labels', 'autoDelete', 'assigneeType', 'deleteProtection'],
  forceNew: ['type', 'location'],
  computed: ['ipAddress', 'ipNetwork', 'assigneeId'],
  autoName: true,
  canonical: (properties) => ({
    ...{ labels: {}, autoDelete: false, deleteProtection: false, assigneeType: 'server' },
    ...properties,
  }),

  async create(inputs, { client, signal }) {
    const body = present({
      name: requiredText(inputs, 'name'),
      type: requiredText(inputs, 'type'),
      labels: inputs.labels ?? {},
      auto_delete: inputs.autoDelete ?? false,
      location: inputs.location,
      assignee_type: inputs.assigneeType,
    })
    const answer = await client.request('POST', '/primary_ips', signal, body)
    const created = member(answer, 'primary_ip')
    const id = String(created.id)
    try {
      await client.settle([answer.action ?? null], signal)
      if (inputs.deleteProtection === true) await changeProtection(id, true, client, signal)
      return { id, outputs: await readOutputs(id, client, signal) }
    } catch (error) {
      throw new PartlyCreatedError(error instanceof Error ? error.message : String(error), id, outputsOf(created))
    }
  },

  async read(id, _inputs, _outputs, { client, signal }) {
    const answer = await client.find(`/primary_ips/${id}`, signal)
    return answer && { id, outputs: outputsOf(member(answer, 'primary_ip')) }
  },

  async update({ id, before, after }, { client, signal }) {
    const changes = present({
      name: before.name === after.name ? undefined : after.name,
      auto_delete:
        (before.autoDelete ?? false) === (after.autoDelete ?? false) ? undefined : (after.autoDelete ?? false),
      labels: isDeepStrictEqual(before.labels ?? {}, after.labels ?? {}) ? undefined : (after.labels ?? {}),
    })
    if (Object.keys(changes).length > 0) await client.request('PUT', `/primary_ips/${id}`, signal, changes)
    const [protectedBefore, protectedAfter] = [before.deleteProtection === true, after.deleteProtection === true]
    if (protectedBefore !== protectedAfter) await changeProtection(id, protectedAfter, client, signal)
    return readOutputs(id, client, signal)
  },

  async delete(id, _outputs, { client, signal }) {
    await client.request('DELETE', `/primary_ips/${id}`, signal)
  },
}
