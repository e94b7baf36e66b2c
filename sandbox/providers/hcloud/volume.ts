import { isDeepStrictEqual } from 'node:util'
import { isKnown } from '../lifecycle.ts'
import { type Failure, PartlyCreatedError, type Resource } from '../provider.ts'
import { isObject, list, type Properties, present, requiredText } from '../values.ts'
import { type HcloudClient, member } from './client.ts'
import { detachVolume } from './volume-attachment.ts'

/** GB */
const smallest = 10

function check(inputs: Properties): Failure[] {
  if (!isKnown(inputs, 'size') || Number(inputs.size) >= smallest) return []
  return [{ property: 'size', reason: `a volume has at least ${smallest} GB` }]
}

function outputsOf(volume: Properties, inputs: Properties): Properties {
  return present({
    name: volume.name,
    size: volume.size,
    location: isObject(volume.location) ? volume.location.name : undefined,
    serverId: volume.server ?? 0,
    labels: volume.labels,
    linuxDevice: volume.linux_device,
    deleteProtection: isObject(volume.protection) ? volume.protection.delete : false,
    // The API tells no client how it was made.
    format: inputs.format,
    automount: inputs.automount,
  })
}

async function readOutputs(id: string, inputs: Properties, client: HcloudClient, signal: AbortSignal) {
  return outputsOf(member(await client.request('GET', `/volumes/${id}`, signal), 'volume'), inputs)
}

async function act(id: string, action: string, body: Properties, client: HcloudClient, signal: AbortSignal) {
  const answer = await client.request('POST', `/volumes/${id}/actions/${action}`, signal, body)
  await client.settle([member(answer, 'action')], signal)
}

export const volume: Resource<HcloudClient> = {
  inputs: ['name', 'size', 'location', 'serverId', 'labels', 'format', 'automount', 'deleteProtection'],
  forceNew: ['location'],
  computed: ['linuxDevice'],
  // `serverId` is left to a VolumeAttachment where the program does not give it.
  writeOnly: ['format', 'automount', 'serverId'],
  autoName: true,
  canonical: (properties) => ({ labels: {}, deleteProtection: false, ...properties }),
  check,

  async create(inputs, { client, signal }) {
    const body = present({
      name: requiredText(inputs, 'name'),
      size: inputs.size,
      server: inputs.serverId,
      location: inputs.location,
      labels: inputs.labels ?? {},
      format: inputs.format,
      automount: inputs.automount,
    })
    const answer = await client.request('POST', '/volumes', signal, body)
    const created = member(answer, 'volume')
    const id = String(created.id)
    try {
      await client.settle([answer.action ?? null, ...list(answer, 'next_actions')], signal)
      if (inputs.deleteProtection === true) await act(id, 'change_protection', { delete: true }, client, signal)
      return { id, outputs: await readOutputs(id, inputs, client, signal) }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      throw new PartlyCreatedError(message, id, outputsOf(created, inputs))
    }
  },

  async read(id, inputs, _outputs, { client, signal }) {
    const answer = await client.find(`/volumes/${id}`, signal)
    return answer && { id, outputs: outputsOf(member(answer, 'volume'), inputs) }
  },

  async update({ id, before, after }, { client, signal }) {
    const changes = present({
      name: before.name === after.name ? undefined : after.name,
      labels: isDeepStrictEqual(before.labels ?? {}, after.labels ?? {}) ? undefined : (after.labels ?? {}),
    })
    if (Object.keys(changes).length > 0) await client.request('PUT', `/volumes/${id}`, signal, changes)
    if (before.size !== after.size) await act(id, 'resize', { size: after.size ?? null }, client, signal)
    if ((before.serverId ?? 0) !== (after.serverId ?? 0)) {
      await detachVolume(id, client, signal)
      const attachment = present({ server: after.serverId, automount: after.automount })
      if (after.serverId) await act(id, 'attach', attachment, client, signal)
    }
    const [protectedBefore, protectedAfter] = [before.deleteProtection === true, after.deleteProtection === true]
    if (protectedBefore !== protectedAfter) {
      await act(id, 'change_protection', { delete: protectedAfter }, client, signal)
    }
    return readOutputs(id, after, client, signal)
  },

  async delete(id, _outputs, { client, signal }) {
    await detachVolume(id, client, signal)
    await client.request('DELETE', `/volumes/${id}`, signal)
  },
}
