import { createHash } from 'node:crypto'
import { isObject, list, type Properties, present, type Value } from '../values.ts'

/** The genuine provider keeps no user data in the state, only this. */
function userDataHash(userData: string): string {
  return createHash('sha1').update(userData).digest('base64')
}

const nested = (value: Value | undefined, key: string) => (isObject(value) ? value[key] : undefined)

/** The server's own address is the first of its IPv6 network: `2001:db8:3ea::/64` → `2001:db8:3ea::1`. */
function firstAddress(network: Value | undefined): string | undefined {
  return typeof network === 'string' ? `${network.split('/')[0]}1` : undefined
}

/** Public networks in the shape that the program gave: what it left open is no difference. */
function publicNets(server: Properties, given: Value[]): Properties[] {
  const ipv4 = nested(server.public_net, 'ipv4')
  const ipv6 = nested(server.public_net, 'ipv6')
  const actual: Properties = {
    ipv4Enabled: isObject(ipv4),
    ipv4: nested(ipv4, 'id') ?? 0,
    ipv6Enabled: isObject(ipv6),
    ipv6: nested(ipv6, 'id') ?? 0,
  }
  return given
    .filter(isObject)
    .map((net) => Object.fromEntries(Object.entries(actual).filter(([key]) => net[key] !== undefined)))
}

/**
 * A server as its outputs.
 * @param server of the API's answer
 * @param inputs what the API does not give back is taken from them: user data, keys, the image's name
 */
export function serverOutputs(server: Properties, inputs: Properties): Properties {
  const ipv6Network = nested(nested(server.public_net, 'ipv6'), 'ip')
  const firewalls = nested(server.public_net, 'firewalls')
  const image = nested(server.image, 'name') ?? nested(server.image, 'id')
  return present({
    name: server.name,
    serverType: nested(server.server_type, 'name'),
    image: inputs.image ?? (image === undefined || image === null ? undefined : String(image)),
    location:
      nested(server.location, 'name') ?? nested(nested(server.datacenter, 'location'), 'name') ?? inputs.location,
    status: server.status,
    ipv4Address: nested(nested(server.public_net, 'ipv4'), 'ip'),
    ipv6Address: firstAddress(ipv6Network),
    ipv6Network,
    labels: server.labels,
    firewallIds: Array.isArray(firewalls) ? firewalls.map((entry) => nested(entry, 'id') ?? null) : [],
    publicNets: inputs.publicNets === undefined ? undefined : publicNets(server, list(inputs, 'publicNets')),
    primaryDiskSize: server.primary_disk_size,
    backupWindow: server.backup_window,
    backups: (server.backup_window ?? null) !== null,
    deleteProtection: nested(server.protection, 'delete') ?? false,
    rebuildProtection: nested(server.protection, 'rebuild') ?? false,
    sshKeys: inputs.sshKeys,
    userData: typeof inputs.userData === 'string' ? userDataHash(inputs.userData) : undefined,
    keepDisk: inputs.keepDisk ?? false,
    ignoreRemoteFirewallIds: inputs.ignoreRemoteFirewallIds ?? false,
    allowDeprecatedImages: inputs.allowDeprecatedImages ?? false,
    shutdownBeforeDeletion: inputs.shutdownBeforeDeletion ?? false,
  })
}
