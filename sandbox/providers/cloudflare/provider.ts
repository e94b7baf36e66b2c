import type { Failure, Provider } from '../provider.ts'
import { isObject, isUnknown, type Properties, present, text, type Value } from '../values.ts'
import { type CloudflareClient, cloudflareClient } from './client.ts'
import { dnsRecord } from './dns-record.ts'

const tokenOf = (configuration: Properties) => text(configuration, 'apiToken') ?? process.env.CLOUDFLARE_API_TOKEN ?? ''

function checkConfiguration(configuration: Properties): Failure[] {
  const token = tokenOf(configuration)
  if (isUnknown(token) || /^[0-9A-Za-z_-]{40,80}$/.test(token)) return []
  const reason =
    'the API token must be 40 to 80 letters, digits, _ or -: set cloudflare:apiToken or CLOUDFLARE_API_TOKEN'
  return [{ property: 'apiToken', reason }]
}

function zoneOutputs(zone: Value | undefined): Properties {
  if (!isObject(zone)) throw new Error('The Cloudflare API knows no such zone')
  return present({
    id: zone.id,
    zoneId: zone.id,
    name: zone.name,
    status: zone.status,
    paused: zone.paused,
    type: zone.type,
    nameServers: zone.name_servers,
  })
}

async function getZone(parameters: Properties, client: CloudflareClient, signal: AbortSignal): Promise<Properties> {
  const zoneId = text(parameters, 'zoneId')
  if (zoneId !== undefined) return zoneOutputs(await client.request('GET', `/zones/${zoneId}`, signal))
  const name = isObject(parameters.filter) ? text(parameters.filter, 'name') : undefined
  if (name === undefined) throw new Error('Give the zoneId or filter.name of the zone')
  const zones = await client.request('GET', `/zones?${new URLSearchParams({ name })}`, signal)
  return zoneOutputs(Array.isArray(zones) ? zones[0] : undefined)
}

export const cloudflareProvider: Provider<CloudflareClient> = {
  name: 'cloudflare',
  version: '6.22.1',
  checkConfiguration,
  configure(configuration) {
    const [failure] = checkConfiguration(configuration)
    if (failure) throw new Error(failure.reason)
    const baseUrl =
      text(configuration, 'baseUrl') ?? process.env.CLOUDFLARE_BASE_URL ?? 'https://api.cloudflare.com/client/v4'
    return cloudflareClient(baseUrl.replace(/\/+$/, ''), tokenOf(configuration))
  },
  resources: { 'cloudflare:index/dnsRecord:DnsRecord': dnsRecord },
  functions: { 'cloudflare:index/getZone:getZone': getZone },
}
