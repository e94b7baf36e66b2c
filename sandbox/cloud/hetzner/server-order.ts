import { z } from 'zod'
import type { PrimaryIp, Server, State } from '../state.ts'
import {
  findByIdOrName,
  type Image,
  imageNumbered,
  images,
  locations,
  type ServerType,
  serverTypes,
} from './catalogue.ts'
import { type Project, timestamp } from './context.ts'
import { HetznerError, invalidField, notUnique } from './errors.ts'
import { identifier, identifierOrName, labels, serverName } from './input.ts'
import { makePrimaryIp } from './primary-ips.ts'

const maximumUserData = 32 * 1024

/** The API counts bytes, not characters. */
export const userDataInput = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= maximumUserData, `must not be longer than ${maximumUserData} bytes`)

const publicNet = z.object({
  enable_ipv4: z.boolean().default(true),
  enable_ipv6: z.boolean().default(true),
  ipv4: identifier.nullish(),
  ipv6: identifier.nullish(),
})

/** Body of `POST /servers`. */
export const serverOrder = z.object({
  name: serverName,
  server_type: identifierOrName,
  image: identifierOrName,
  location: identifierOrName.optional(),
  ssh_keys: z.array(identifierOrName).max(50).default([]),
  firewalls: z
    .array(z.object({ firewall: identifier }))
    .max(5)
    .default([]),
  volumes: z.array(identifier).max(16).default([]),
  user_data: userDataInput.default(''),
  labels: labels.default({}),
  public_net: publicNet.prefault({}),
  start_after_create: z.literal(true, 'the sandbox starts every server that it makes').optional(),
  networks: z.array(z.unknown()).max(0, 'the sandbox has no private networks').optional(),
  placement_group: z.null('the sandbox has no placement groups').optional(),
})

/** Everything that an order changes, found and checked before anything is changed. */
export interface Order {
  readonly server: Server
  /** Those that it takes and those that are made for it. */
  readonly primaryIps: readonly PrimaryIp[]
  readonly firewalls: State['firewalls']
  readonly volumes: State['volumes']
}

/** @throws HetznerError for the first thing that the order asks for and cannot have */
export function checkOrder(project: Project, input: z.output<typeof serverOrder>): Order {
  const { state } = project.store
  const type = findByIdOrName(serverTypes, input.server_type)
  if (!type) throw invalidField('server_type', `server type '${input.server_type}' not found`)
  const image = imageFor(input.image, type)
  project.shortages.requireRoom('server', state.servers)
  if (state.servers.some(({ name }) => name === input.name)) throw notUnique('server name', 'name')
  const location = locationFor(project, input.location, type)
  const primaryIps = primaryIpsFor(project, input, location)
  const server: Server = {
    id: project.store.nextId(),
    name: input.name,
    labels: input.labels,
    created: timestamp(),
    status: 'initializing',
    serverType: type.name,
    image: image.id,
    location,
    userData: input.user_data,
    sshKeys: [...new Set(input.ssh_keys.map((wanted) => keyFor(state, wanted)))],
    address: primaryIps.find((ip) => ip.type === 'ipv4')?.address ?? '',
    network6: primaryIps.find((ip) => ip.type === 'ipv6')?.address ?? null,
    diskSize: type.disk,
    locked: true,
    protected: false,
  }
  const firewalls = input.firewalls.map(({ firewall }) => {
    const found = state.firewalls.find(({ id }) => id === firewall)
    if (!found) throw invalidField('firewalls', `firewall with ID '${firewall}' not found`)
    return found
  })
  const volumes = input.volumes.map((wanted) => {
    const found = state.volumes.find(({ id }) => id === wanted)
    if (!found) throw invalidField('volumes', `volume with ID '${wanted}' not found`)
    if (found.server !== null)
      throw new HetznerError('volume_already_attached', 'volume is already attached to a server')
    if (found.location !== location) throw invalidField('volumes', 'server and volume must be in the same location')
    return found
  })
  return { server, primaryIps, firewalls: [...new Set(firewalls)], volumes }
}

/** By id, or by name in the server type's architecture. @throws HetznerError where there is none that fits */
export function imageFor(wanted: number | string, type: ServerType): Image {
  const named = images.filter(({ id, name }) => id === wanted || name === wanted || String(id) === wanted)
  if (named.length === 0) throw invalidField('image', `image '${wanted}' not found`)
  const fitting = named.find(({ architecture }) => architecture === type.architecture)
  if (!fitting) throw invalidField('image', `image is not for the architecture of server type '${type.name}'`)
  return fitting
}

/** The name under which the machine room knows the image. */
export const imageName = (id: number) => imageNumbered(id).name

function locationFor(
  { architecture, shortages }: Project,
  wanted: number | string | undefined,
  type: ServerType,
): string {
  const location = wanted === undefined ? locations[0] : findByIdOrName(locations, wanted)
  if (!location) throw invalidField('location', `location '${wanted}' not found`)
  if (!type.locations.includes(location.name)) {
    throw invalidField('server_type', `server type '${type.name}' is not offered in location '${location.name}'`)
  }
  if (type.architecture !== architecture || shortages.isSoldOut(type.name, location.name)) {
    throw new HetznerError(
      'resource_unavailable',
      `server type '${type.name}' is sold out in location '${location.name}'`,
    )
  }
  return location.name
}

function keyFor(state: State, wanted: number | string): string {
  const key = findByIdOrName(state.sshKeys, wanted)
  if (!key) throw invalidField('ssh_keys', `SSH key '${wanted}' not found`)
  return key.public_key
}

function primaryIpsFor(project: Project, order: z.output<typeof serverOrder>, location: string): PrimaryIp[] {
  const { enable_ipv4, enable_ipv6, ipv4, ipv6 } = order.public_net
  if (!enable_ipv4) throw new HetznerError('unsupported_error', 'the sandbox makes no server without an IPv4 address')
  if (!enable_ipv6 && ipv6) throw invalidField('public_net.ipv6', 'must not be given when enable_ipv6 is false')
  const choose = (type: PrimaryIp['type'], wanted: number | null | undefined) =>
    wanted
      ? requireAvailable(project.store.state, wanted, type, location)
      : makePrimaryIp(project, { type, location, labels: {}, auto_delete: true })
  return [choose('ipv4', ipv4), ...(enable_ipv6 ? [choose('ipv6', ipv6)] : [])]
}

function requireAvailable(state: State, wanted: number, type: PrimaryIp['type'], location: string): PrimaryIp {
  const found = state.primaryIps.find(({ id }) => id === wanted)
  if (!found) throw invalidField(`public_net.${type}`, `Primary IP with ID '${wanted}' not found`)
  if (found.type !== type) {
    throw new HetznerError('primary_ip_version_mismatch', `Primary IP '${wanted}' is not of type ${type}`)
  }
  if (found.server !== null) {
    throw new HetznerError('primary_ip_assigned', `Primary IP '${wanted}' is already assigned to a server`)
  }
  if (found.location !== location) {
    throw new HetznerError('primary_ip_datacenter_mismatch', `Primary IP '${wanted}' is not in location '${location}'`)
  }
  return found
}
