import { isKnown } from '../lifecycle.ts'
import type { Failure, Resource } from '../provider.ts'
import { isObject, type Properties, present, requiredText, type Value } from '../values.ts'
import { type CloudflareClient, CloudflareError } from './client.ts'

/** 1 means automatic. */
const isTtl = (ttl: Value | undefined) => typeof ttl === 'number' && (ttl === 1 || (ttl >= 30 && ttl <= 86_400))

function check(inputs: Properties): Failure[] {
  const failures: Failure[] = []
  if (isKnown(inputs, 'ttl') && !isTtl(inputs.ttl)) {
    failures.push({ property: 'ttl', reason: 'must be 1 (automatic) or 60 to 86400 seconds' })
  }
  if (inputs.content === undefined && inputs.data === undefined) {
    failures.push({ property: 'content', reason: 'must be given, or "data" for records such as CAA' })
  }
  return failures
}

function bodyOf(inputs: Properties): Properties {
  return present({
    comment: inputs.comment,
    content: inputs.content,
    data: inputs.data,
    name: inputs.name,
    priority: inputs.priority,
    proxied: inputs.proxied ?? false,
    settings: inputs.settings,
    tags: inputs.tags,
    ttl: inputs.ttl,
    type: inputs.type,
  })
}

function outputsOf(record: Value, zoneId: string): Properties {
  if (!isObject(record) || typeof record.id !== 'string') {
    throw new Error('The answer of the Cloudflare API has no record with an id')
  }
  return present({
    zoneId,
    name: record.name,
    type: record.type,
    content: record.content,
    data: record.data,
    ttl: record.ttl,
    proxied: record.proxied,
    proxiable: record.proxiable,
    priority: record.priority,
    comment: record.comment,
    commentModifiedOn: record.comment_modified_on,
    settings: record.settings,
    tags: record.tags ?? [],
    tagsModifiedOn: record.tags_modified_on,
    createdOn: record.created_on,
    modifiedOn: record.modified_on,
    meta: JSON.stringify(record.meta ?? {}),
  })
}

export const dnsRecord: Resource<CloudflareClient> = {
  inputs: ['zoneId', 'name', 'type', 'content', 'data', 'ttl', 'proxied', 'comment', 'priority', 'settings', 'tags'],
  forceNew: ['zoneId'],
  computed: ['createdOn', 'modifiedOn', 'commentModifiedOn', 'tagsModifiedOn', 'meta', 'proxiable'],
  unstable: ['modifiedOn'],
  canonical: (properties) => {
    const data = isObject(properties.data) ? properties.data : undefined
    // The API gives the flags back as a number, however they were given.
    const flags = data?.flags === undefined ? undefined : Number(data.flags)
    return {
      proxied: false,
      settings: {},
      tags: [],
      ...properties,
      ...(data ? { data: { ...data, flags: flags ?? null } } : {}),
    }
  },
  check,

  async create(inputs, { client, signal }) {
    const zoneId = requiredText(inputs, 'zoneId')
    const record = await client.request('POST', `/zones/${zoneId}/dns_records`, signal, bodyOf(inputs))
    const outputs = outputsOf(record, zoneId)
    return { id: isObject(record) ? String(record.id) : '', outputs }
  },

  async read(id, inputs, outputs, { client, signal }) {
    // An import names the zone too: ZONE/RECORD.
    const [zoneOfId, recordOfId] = id.split('/')
    const zoneId = String(outputs.zoneId ?? inputs.zoneId ?? zoneOfId)
    const recordId = recordOfId ?? id
    try {
      const record = await client.request('GET', `/zones/${zoneId}/dns_records/${recordId}`, signal)
      return { id: recordId, outputs: outputsOf(record, zoneId) }
    } catch (error) {
      if (error instanceof CloudflareError && error.status === 404) return null
      throw error
    }
  },

  async update({ id, after }, { client, signal }) {
    const zoneId = requiredText(after, 'zoneId')
    const body = { settings: {}, tags: [], ...bodyOf(after) }
    return outputsOf(await client.request('PUT', `/zones/${zoneId}/dns_records/${id}`, signal, body), zoneId)
  },

  async delete(id, outputs, { client, signal }) {
    await client.request('DELETE', `/zones/${requiredText(outputs, 'zoneId')}/dns_records/${id}`, signal)
  },
}
