import type { Resource } from '../provider.ts'
import { type Properties, present, requiredText } from '../values.ts'
import { type HcloudClient, member } from './client.ts'

function outputsOf(key: Properties): Properties {
  return present({ name: key.name, publicKey: key.public_key, fingerprint: key.fingerprint, labels: key.labels })
}

export const sshKey: Resource<HcloudClient> = {
  inputs: ['name', 'publicKey', 'labels'],
  forceNew: ['publicKey'],
  computed: ['fingerprint'],
  autoName: true,
  canonical: (properties) => ({ labels: {}, ...properties, publicKey: String(properties.publicKey ?? '').trim() }),

  async create(inputs, { client, signal }) {
    const body = {
      name: requiredText(inputs, 'name'),
      public_key: requiredText(inputs, 'publicKey'),
      labels: inputs.labels ?? {},
    }
    const key = member(await client.request('POST', '/ssh_keys', signal, body), 'ssh_key')
    return { id: String(key.id), outputs: { ...outputsOf(key), publicKey: body.public_key } }
  },

  async read(id, _inputs, outputs, { client, signal }) {
    const answer = await client.find(`/ssh_keys/${id}`, signal)
    if (!answer) return null
    const found = outputsOf(member(answer, 'ssh_key'))
    // The API trims the key; a line end is no change.
    const sameKey = String(found.publicKey ?? '').trim() === String(outputs.publicKey ?? '').trim()
    return {
      id,
      outputs: sameKey && outputs.publicKey !== undefined ? { ...found, publicKey: outputs.publicKey } : found,
    }
  },

  async update({ id, after }, { client, signal }) {
    const body = { name: requiredText(after, 'name'), labels: after.labels ?? {} }
    const answer = await client.request('PUT', `/ssh_keys/${id}`, signal, body)
    return { ...outputsOf(member(answer, 'ssh_key')), publicKey: requiredText(after, 'publicKey') }
  },

  async delete(id, _outputs, { client, signal }) {
    await client.request('DELETE', `/ssh_keys/${id}`, signal)
  },
}
