import { z } from 'zod'
import { labels } from '../labels.ts'
import type { Clients } from '../preflight/clients.ts'
import type { Named } from '../preflight/hetzner.ts'
import { dnsRecordType, kinds } from '../preflight/kinds.ts'
import type { StoredResource } from './deployment.ts'

/** What has become of something that was begun. */
export type Finding =
  /** It is there, and what the provider imports it by. */
  | { readonly id: string }
  /** It was never made, or something of the same name is not ours. */
  | { readonly missing: string }

const named = z.object({ name: z.string(), publicNets: z.array(z.object({ ipv4: z.number() })).optional() })
const attachment = z.object({ volumeId: z.number(), serverId: z.number() })
const record = z.object({
  zoneId: z.string(),
  name: z.string(),
  type: z.string(),
  content: z.string().optional(),
  data: z.object({ tag: z.string(), value: z.string() }).optional(),
})

const attachmentType = 'hcloud:index/volumeAttachment:VolumeAttachment'

/** Whether something of this type can be in a cloud at all; keys, certificates and commands cannot. */
export function isOutside(type: string): boolean {
  return type in kinds || type === attachmentType || type === dnsRecordType
}

/**
 * Asks the cloud for what the engine was making.
 *
 * @throws Error in plain words when an API does not answer
 */
export async function find({ type, inputs }: StoredResource, clients: Clients): Promise<Finding> {
  if (type === dnsRecordType) return findRecord(record.parse(inputs), clients)
  if (type === attachmentType) return findAttachment(attachment.parse(inputs), clients)
  const kind = kinds[type]
  if (!kind) return missing
  const wanted = named.parse(inputs)
  const found = await clients.hetzner.named(kind, wanted.name)
  if (!found) return missing
  if (isOurs(found, inputs.labels)) {
    const address = wanted.publicNets?.[0]?.ipv4
    if (address === undefined || address === found.public_net?.ipv4?.id) return { id: String(found.id) }
  }
  return {
    missing: `what is named ${wanted.name} there (id ${found.id}) is not what this stack was making: left alone`,
  }
}

const missing: Finding = { missing: 'was not made: the next up makes it' }

/** Every label that was asked for is on it, that of Skerry among them. */
function isOurs({ labels: found }: Named, wanted: unknown): boolean {
  const asked = { ...labels, ...z.record(z.string(), z.string()).parse(wanted) }
  return Object.entries(asked).every(([key, value]) => found[key] === value)
}

async function findAttachment({ volumeId, serverId }: z.output<typeof attachment>, { hetzner }: Clients) {
  // A volume is in one server at a time: its id is the attachment's.
  return (await hetzner.serverOf(volumeId)) === serverId ? { id: String(volumeId) } : missing
}

async function findRecord({ zoneId, name, type, content, data }: z.output<typeof record>, { cloudflare }: Clients) {
  const same = (await cloudflare(zoneId).records(name)).find(
    (one) =>
      one.type === type &&
      (data ? one.data?.tag === data.tag && one.data.value === data.value : one.content === content),
  )
  return same ? { id: `${zoneId}/${same.id}` } : missing
}
