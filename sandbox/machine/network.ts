import { readFile } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { allNetworks, type Instance } from '../instance.ts'
import { startForwarding } from './forwarding.ts'
import { ip, removeLink, uplink } from './iproute.ts'
import { nft } from './nftables.ts'

/** The gateway that a server sees, the provider's own. */
export const gateway = '172.31.1.1'
/** As `gateway`, for IPv6. */
export const gateway6 = 'fe80::1'
/** Worse than any other route: it only catches what no running server takes. */
export const lastMetric = '4294967295'

/** Brings up the sandbox's address, its routes and its packet filter; again is fine while no server runs. */
export async function edgeUp(instance: Instance): Promise<void> {
  const { name, name6 } = await uplink()
  // Addresses of servers that are off must not follow the default route out of this host.
  await ip('route', 'replace', 'unreachable', instance.network, 'metric', lastMetric)
  await ip('address', 'replace', `${instance.edge}/32`, 'dev', 'lo')
  await ip('-6', 'route', 'replace', 'unreachable', instance.network6, 'metric', lastMetric)
  await ip('address', 'replace', `${instance.edge6}/128`, 'dev', 'lo', 'nodad')
  const filter = await renderEdge(instance, name, name6)
  await startForwarding(async () => await nft(filter))
}

/**
 * @param uplink6 undefined where this host has no way out for IPv6
 * @returns text for `nft -f` that makes the sandbox's packet filter, empty of servers
 */
export async function renderEdge(instance: Instance, uplink: string, uplink6?: string): Promise<string> {
  const table = await readFile(join(import.meta.dirname, 'edge.nft'), 'utf8')
  const values = {
    servers: `"${instance.interfacePrefix}*"`,
    uplink: `"${uplink}"`,
    uplink6: `"${uplink6 ?? uplink}"`,
    network: instance.network,
    network6: instance.network6,
    edge: instance.edge,
    edge6: instance.edge6,
    sandboxes: allNetworks.ipv4,
    sandboxes6: allNetworks.ipv6,
  }
  const definitions = Object.entries(values).map(([name, value]) => `define ${name} = ${value}\n`)
  return `${definitions.join('')}${table.replaceAll('skerry0', instance.name)}`
}

/** @returns the host's end of a server's cable; Linux allows 15 characters */
export function interfaceName(instance: Instance, key: string | number): string {
  const name = `${instance.interfacePrefix}${key}`
  if (name.length > 15) throw new Error(`interface name ${name} is longer than the 15 characters that Linux allows`)
  return name
}

/** Lets packets from `address` (IPv6: from its whole /64) in through the interface, and no others. */
export async function allowSender(instance: Instance, networkInterface: string, address: string): Promise<void> {
  await nft(`add element ${sender(instance, networkInterface, address)}\n`)
}

export async function forgetSender(instance: Instance, networkInterface: string, address: string): Promise<void> {
  const element = sender(instance, networkInterface, address)
  await nft(`add element ${element}\ndelete element ${element}\n`)
}

/**
 * A machine elsewhere in the internet, for tests of what strangers can reach.
 * @param address in the sandbox's network, .200 and up
 * @returns the name of its network namespace, for `ip netns exec`
 */
export async function addOutsider(instance: Instance, address: string): Promise<string> {
  const { link, namespace } = outsider(instance, address)
  const { mtu } = await uplink()
  await ip('netns', 'add', namespace)
  await ip('link', 'add', link, 'mtu', `${mtu}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
  await ip('address', 'add', `${gateway}/32`, 'dev', link)
  await ip('link', 'set', link, 'up')
  await ip('route', 'replace', `${address}/32`, 'dev', link, 'src', instance.edge)
  const address6 = outsiderIpv6(instance, address)
  await ip('address', 'add', `${gateway6}/64`, 'dev', link, 'nodad')
  await ip('-6', 'route', 'replace', network64(address6), 'dev', link, 'src', instance.edge6)
  await allowSender(instance, link, address)
  await allowSender(instance, link, address6)
  for (const command of ['link set lo up', `address add ${address}/32 dev eth0`, 'link set eth0 up']) {
    await ip('-n', namespace, ...command.split(' '))
  }
  await ip('-n', namespace, 'route', 'add', 'default', 'via', gateway, 'dev', 'eth0', 'onlink')
  await ip('-n', namespace, 'address', 'add', `${address6}/64`, 'dev', 'eth0', 'nodad')
  await ip('-n', namespace, '-6', 'route', 'add', 'default', 'via', gateway6, 'dev', 'eth0')
  return namespace
}

export async function removeOutsider(instance: Instance, address: string): Promise<void> {
  const { link, namespace } = outsider(instance, address)
  await forgetSender(instance, link, address)
  await forgetSender(instance, link, outsiderIpv6(instance, address))
  await removeLink(link)
  await ip('netns', 'delete', namespace)
}

/** @returns the IPv6 address of the machine that `addOutsider` makes: of a network that no server gets */
export function outsiderIpv6({ network6 }: Instance, address: string): string {
  const host = Number(address.split('.').at(-1))
  return `${network6.replace('::/48', '')}:${(0x1000 + host).toString(16)}::1`
}

function outsider(instance: Instance, address: string): { link: string; namespace: string } {
  const host = address.split('.').at(-1) ?? ''
  return { link: interfaceName(instance, `o${host}`), namespace: `${instance.name}-outsider-${host}` }
}

function sender(instance: Instance, networkInterface: string, address: string): string {
  const [set, source] = isIPv6(address) ? ['senders6', network64(address)] : ['senders', address]
  return `inet ${instance.name} ${set} { "${networkInterface}" . ${source} }`
}

/** The /64 that an address of the form `PREFIX::` or `PREFIX::1` is in. */
function network64(address: string): string {
  return `${address.replace(/::1?$/, '::')}/64`
}
