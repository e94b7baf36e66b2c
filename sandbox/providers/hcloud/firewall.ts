import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Resource } from '../provider.ts'
import { isObject, list, type Properties, present, requiredText, type Value } from '../values.ts'
import { type HcloudClient, HcloudError, member } from './client.ts'

const deleteAttempts = 10
const deleteDelay = 1_000

/** A rule as the API wants it; what the program leaves out stays out. */
function apiRule(rule: Value): Properties {
  if (!isObject(rule)) throw new Error('A firewall rule must be an object')
  return present({
    direction: rule.direction,
    source_ips: rule.sourceIps,
    destination_ips: rule.destinationIps,
    protocol: rule.protocol,
    port: rule.port === '' ? undefined : rule.port,
    description: rule.description === '' ? undefined : rule.description,
  })
}

/** A rule as the genuine provider keeps it: blanks filled in. */
function ruleOutputs(rule: Value): Properties {
  if (!isObject(rule)) return {}
  return {
    direction: rule.direction ?? '',
    protocol: rule.protocol ?? '',
    port: rule.port ?? '',
    description: rule.description ?? '',
    sourceIps: list(rule, 'source_ips'),
    destinationIps: list(rule, 'destination_ips'),
  }
}

function outputsOf(firewall: Properties): Properties {
  return present({ name: firewall.name, labels: firewall.labels, rules: list(firewall, 'rules').map(ruleOutputs) })
}

/** Rules are a set of rules with sets of addresses. */
function canonical(properties: Properties): Properties {
  const rules = list(properties, 'rules').map((rule) => {
    const { sourceIps, destinationIps, ...rest } = ruleOutputs(isObject(rule) ? apiRule(rule) : null)
    const sorted = (value: Value | undefined) => (Array.isArray(value) ? value.map(String).sort() : [])
    return JSON.stringify([
      rest.direction,
      rest.protocol,
      rest.port,
      rest.description,
      sorted(sourceIps),
      sorted(destinationIps),
    ])
  })
  return { labels: {}, ...properties, rules: rules.sort() }
}

const rulesOf = (properties: Properties) => list(properties, 'rules').map(apiRule)

export const firewall: Resource<HcloudClient> = {
  inputs: ['name', 'labels', 'rules'],
  forceNew: [],
  computed: [],
  autoName: true,
  canonical,

  async create(inputs, { client, signal }) {
    const body = { name: requiredText(inputs, 'name'), labels: inputs.labels ?? {}, rules: rulesOf(inputs) }
    const answer = await client.request('POST', '/firewalls', signal, body)
    const { id } = member(answer, 'firewall')
    await client.settle(list(answer, 'actions'), signal)
    const found = await client.request('GET', `/firewalls/${id}`, signal)
    return { id: String(id), outputs: outputsOf(member(found, 'firewall')) }
  },

  async read(id, _inputs, _outputs, { client, signal }) {
    const answer = await client.find(`/firewalls/${id}`, signal)
    return answer && { id, outputs: outputsOf(member(answer, 'firewall')) }
  },

  async update({ id, before, after }, { client, signal }) {
    await client.request('GET', `/firewalls/${id}`, signal)
    if (before.name !== after.name) {
      await client.request('PUT', `/firewalls/${id}`, signal, { name: requiredText(after, 'name') })
    }
    if (!isDeepStrictEqual(canonical(before).rules, canonical(after).rules)) {
      const body = { rules: rulesOf(after) }
      const answer = await client.request('POST', `/firewalls/${id}/actions/set_rules`, signal, body)
      await client.settle(list(answer, 'actions'), signal)
    }
    if (!isDeepStrictEqual(before.labels ?? {}, after.labels ?? {})) {
      await client.request('PUT', `/firewalls/${id}`, signal, { labels: after.labels ?? {} })
    }
    return outputsOf(member(await client.request('GET', `/firewalls/${id}`, signal), 'firewall'))
  },

  async delete(id, _outputs, { client, signal }) {
    const found = member(await client.request('GET', `/firewalls/${id}`, signal), 'firewall')
    const servers = list(found, 'applied_to').filter((entry) => isObject(entry) && entry.type === 'server')
    if (servers.length > 0) {
      const body = {
        remove_from: servers.map((entry) =>
          isObject(entry) ? present({ type: entry.type, server: entry.server }) : entry,
        ),
      }
      const answer = await client.request('POST', `/firewalls/${id}/actions/remove_from_resources`, signal, body)
      await client.settle(list(answer, 'actions'), signal)
    }
    for (let attempt = 1; ; attempt++) {
      try {
        await client.request('DELETE', `/firewalls/${id}`, signal)
        return
      } catch (error) {
        const inUse = error instanceof HcloudError && error.code === 'resource_in_use'
        if (!inUse || attempt === deleteAttempts) throw error
        await setTimeout(deleteDelay, undefined, { signal })
      }
    }
  },
}
