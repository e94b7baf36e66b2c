import type { Resource } from '../provider.ts'
import { isObject, list, type Properties, requiredText } from '../values.ts'
import { type HcloudClient, member } from './client.ts'

/** `p-ID-ADDRESS`: the stand-in knows pointers of Primary IPs only. */
function parse(id: string): { primaryIp: string; address: string } {
  const [, primaryIp, address] = /^p-([0-9]+)-(.+)$/.exec(id) ?? []
  if (primaryIp === undefined || address === undefined) {
    throw new Error(`"${id}" is not a reverse DNS entry of the form p-PRIMARY_IP_ID-ADDRESS`)
  }
  return { primaryIp, address }
}

async function point(id: string, pointer: string | null, client: HcloudClient, signal: AbortSignal): Promise<void> {
  const { primaryIp, address } = parse(id)
  const answer = await client.request('POST', `/primary_ips/${primaryIp}/actions/change_dns_ptr`, signal, {
    ip: address,
    dns_ptr: pointer,
  })
  await client.settle([member(answer, 'action')], signal)
}

async function find(id: string, client: HcloudClient, signal: AbortSignal): Promise<Properties | null> {
  const { primaryIp, address } = parse(id)
  const answer = await client.find(`/primary_ips/${primaryIp}`, signal)
  const pointers = answer ? list(member(answer, 'primary_ip'), 'dns_ptr') : []
  const found = pointers.find((pointer) => isObject(pointer) && pointer.ip === address)
  if (!isObject(found)) return null
  return { primaryIpId: Number(primaryIp), ipAddress: address, dnsPtr: found.dns_ptr ?? '' }
}

export const rdns: Resource<HcloudClient> = {
  inputs: ['primaryIpId', 'ipAddress', 'dnsPtr'],
  forceNew: ['primaryIpId', 'ipAddress'],
  computed: [],

  async create(inputs, { client, signal }) {
    const id = `p-${inputs.primaryIpId}-${requiredText(inputs, 'ipAddress')}`
    await point(id, requiredText(inputs, 'dnsPtr'), client, signal)
    return { id, outputs: inputs }
  },

  async read(id, _inputs, _outputs, { client, signal }) {
    const outputs = await find(id, client, signal)
    return outputs && { id, outputs }
  },

  async update({ id, after }, { client, signal }) {
    await point(id, requiredText(after, 'dnsPtr'), client, signal)
    return after
  },

  async delete(id, _outputs, { client, signal }) {
    if ((await find(id, client, signal)) !== null) await point(id, null, client, signal)
  },
}
