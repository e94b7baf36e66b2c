import type { Resource } from '../provider.ts'
import { type Properties, present, type Value } from '../values.ts'
import { type HcloudClient, member } from './client.ts'
import { onceUnlocked } from './locked.ts'

const outputsOf = (id: string, server: Value | undefined, automount: Value | undefined): Properties =>
  present({ volumeId: Number(id), serverId: server, automount: automount ?? false })

/** Detaches the volume from whatever server has it; fine when none has, or when there is no such volume. */
export async function detachVolume(id: string, client: HcloudClient, signal: AbortSignal): Promise<void> {
  const answer = await client.find(`/volumes/${id}`, signal)
  if (answer === null || (member(answer, 'volume').server ?? null) === null) return
  const detached = await onceUnlocked(signal, () => client.request('POST', `/volumes/${id}/actions/detach`, signal, {}))
  await client.settle([member(detached, 'action')], signal)
}

/** A volume in a server; known by the volume's id, as it can be in one server only. */
export const volumeAttachment: Resource<HcloudClient> = {
  inputs: ['volumeId', 'serverId', 'automount'],
  forceNew: ['volumeId', 'serverId'],
  computed: [],
  writeOnly: ['automount'],
  canonical: (properties) => ({
    automount: false,
    ...properties,
    volumeId: String(properties.volumeId),
    serverId: String(properties.serverId),
  }),

  async create(inputs, { client, signal }) {
    const id = String(inputs.volumeId)
    const body = present({ server: Number(inputs.serverId), automount: inputs.automount })
    const answer = await onceUnlocked(signal, () =>
      client.request('POST', `/volumes/${id}/actions/attach`, signal, body),
    )
    await client.settle([member(answer, 'action')], signal)
    return { id, outputs: outputsOf(id, body.server, inputs.automount) }
  },

  async read(id, inputs, _outputs, { client, signal }) {
    const answer = await client.find(`/volumes/${id}`, signal)
    const server = answer && member(answer, 'volume').server
    if (typeof server !== 'number') return null
    return { id, outputs: outputsOf(id, server, inputs.automount) }
  },

  async update() {
    // As the genuine provider, whose resource has no update, says it of a changed automount.
    throw new Error("hcloud_volume_attachment doesn't support update")
  },

  async delete(id, _outputs, { client, signal }) {
    await detachVolume(id, client, signal)
  },
}
