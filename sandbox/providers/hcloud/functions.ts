import { isObject, list, number, type Properties, text } from '../values.ts'
import { type HcloudClient, member } from './client.ts'

type Lookup = (parameters: Properties, client: HcloudClient, signal: AbortSignal) => Promise<Properties>

/** One thing of a list, by its id or by its name. */
async function lookUp(
  [plural, singular]: readonly [string, string],
  parameters: Properties,
  query: Record<string, string>,
  client: HcloudClient,
  signal: AbortSignal,
): Promise<Properties> {
  const id = number(parameters, 'id')
  if (id !== undefined) return member(await client.request('GET', `/${plural}/${id}`, signal), singular)
  const name = text(parameters, 'name')
  if (name === undefined) throw new Error(`Give the id or the name of the ${singular.replace('_', ' ')}`)
  const answer = await client.request('GET', `/${plural}?${new URLSearchParams({ ...query, name })}`, signal)
  const found = list(answer, plural)[0]
  if (isObject(found)) return found
  throw new Error(`The Hetzner Cloud API knows no ${singular.replace('_', ' ')} "${name}"`)
}

function deprecationOf(thing: Properties): Properties {
  const deprecation = isObject(thing.deprecation) ? thing.deprecation : {}
  return {
    isDeprecated: isObject(thing.deprecation),
    deprecationAnnounced: deprecation.announced ?? '',
    unavailableAfter: deprecation.unavailable_after ?? '',
  }
}

const getServerType: Lookup = async (parameters, client, signal) => {
  const type = await lookUp(['server_types', 'server_type'], parameters, {}, client, signal)
  const locations = list(type, 'locations')
    .filter(isObject)
    .map((location) => ({
      id: location.id ?? 0,
      name: location.name ?? '',
      available: location.available ?? false,
      ...deprecationOf(location),
    }))
  return {
    id: type.id ?? 0,
    name: type.name ?? '',
    description: type.description ?? '',
    category: type.category ?? '',
    architecture: type.architecture ?? '',
    cores: type.cores ?? 0,
    cpuType: type.cpu_type ?? '',
    memory: type.memory ?? 0,
    disk: type.disk ?? 0,
    storageType: type.storage_type ?? '',
    includedTraffic: 0,
    locations,
    ...deprecationOf(type),
  }
}

const getLocation: Lookup = async (parameters, client, signal) => {
  const location = await lookUp(['locations', 'location'], parameters, {}, client, signal)
  return {
    id: location.id ?? 0,
    name: location.name ?? '',
    description: location.description ?? '',
    city: location.city ?? '',
    country: location.country ?? '',
    latitude: location.latitude ?? 0,
    longitude: location.longitude ?? 0,
    networkZone: location.network_zone ?? '',
  }
}

const getImage: Lookup = async (parameters, client, signal) => {
  const architecture = text(parameters, 'withArchitecture') ?? 'x86'
  const query = { architecture, include_deprecated: String(parameters.includeDeprecated === true) }
  const image = await lookUp(['images', 'image'], parameters, query, client, signal)
  return {
    ...parameters,
    id: image.id ?? 0,
    name: image.name ?? '',
    description: image.description ?? '',
    type: image.type ?? '',
    architecture: image.architecture ?? '',
    created: image.created ?? '',
    deprecated: image.deprecated ?? '',
    labels: image.labels ?? {},
    osFlavor: image.os_flavor ?? '',
    osVersion: image.os_version ?? '',
    rapidDeploy: image.rapid_deploy ?? false,
  }
}

export const hcloudFunctions = {
  'hcloud:index/getServerType:getServerType': getServerType,
  'hcloud:index/getLocation:getLocation': getLocation,
  'hcloud:index/getImage:getImage': getImage,
}
