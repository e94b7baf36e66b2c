import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Instance } from '../instance.ts'
import { startForwarding } from './forwarding.ts'
import { ip, removeLink, uplink } from './iproute.ts'
import { nft } from './nftables.ts'

/** The gateway that a server sees, the provider's own. */
export const gateway = '172.31.1.1'
/** Worse than any other route: it only catches what no running server takes. */
export const lastMetric = '4294967295'

/** Brings up the sandbox's address, its routes and its packet filter; again is fine while no server runs. */
export async function edgeUp(instance: Instance): Promise<void> {
  const { name } = await uplink()
  // Addresses of servers that are off must not follow the default route out of this host.
  await ip('route', 'replace', 'unreachable', instance.network, 'metric', lastMetric)
  await ip('address', 'replace', `${instance.edge}/32`, 'dev', 'lo')
  const filter = await renderEdge(instance, name)
  await startForwarding(async () => await nft(filter))
}

/** @returns text for `nft -f` that makes the sandbox's packet filter, empty of servers */
export async function renderEdge(instance: Instance, uplink: string): Promise<string> {
  const table = await readFile(join(import.meta.dirname, 'edge.nft'), 'utf8')
  const values = {
    servers: `"${instance.interfacePrefix}*"`,
    uplink: `"${uplink}"`,
    network: instance.network,
    edge: instance.edge,
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

/** Lets packets from `address` in through the interface, and no others. */
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
  await allowSender(instance, link, address)
  for (const command of ['link set lo up', `address add ${address}/32 dev eth0`, 'link set eth0 up']) {
    await ip('-n', namespace, ...command.split(' '))
  }
  await ip('-n', namespace, 'route', 'add', 'default', 'via', gateway, 'dev', 'eth0', 'onlink')
  return namespace
}

export async function removeOutsider(instance: Instance, address: string): Promise<void> {
  const { link, namespace } = outsider(instance, address)
  await forgetSender(instance, link, address)
  await removeLink(link)
  await ip('netns', 'delete', namespace)
}

function outsider(instance: Instance, address: string): { link: string; namespace: string } {
  const host = address.split('.').at(-1) ?? ''
  return { link: interfaceName(instance, `o${host}`), namespace: `${instance.name}-outsider-${host}` }
}

function sender(instance: Instance, networkInterface: string, address: string): string {
  return `inet ${instance.name} senders { "${networkInterface}" . ${address} }`
}
