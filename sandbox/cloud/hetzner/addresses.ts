import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { PrimaryIp, State } from '../state.ts'
import { HetznerError } from './errors.ts'

/** The first addresses belong to the cloud itself, the last is the broadcast address. */
const firstHost = 10
const lastHost = 250

const firstSubnet = 0x10
const lastSubnet = 0xff

/**
 * The lowest address of the network, from .10 upward, that no Primary IP and no machine has.
 * @throws HetznerError `resource_limit_exceeded`
 */
export function freeIpv4(state: State, network: string): string {
  const taken = new Set([...state.primaryIps.map((ip) => ip.address), ...state.servers.map((server) => server.address)])
  const [first = 0, second = 0, third = 0] = ipaddr.IPv4.networkAddressFromCIDR(network).octets
  for (let host = firstHost; host <= lastHost; host++) {
    const address = `${first}.${second}.${third}.${host}`
    if (!taken.has(address)) return address
  }
  throw new HetznerError('resource_limit_exceeded', 'no IPv4 address is left')
}

/**
 * The lowest /64 of the network, from subnet 10 (hexadecimal) upward, that no Primary IP and no machine has.
 * @param network6 CIDR /48
 * @returns without its length
 * @throws HetznerError `resource_limit_exceeded`
 */
export function freeIpv6(state: State, network6: string): string {
  const taken = new Set([
    ...state.primaryIps.map((ip) => ip.address),
    ...state.servers.map((server) => server.network6),
  ])
  const prefix = network6.replace(/::\/48$/, '')
  for (let subnet = firstSubnet; subnet <= lastSubnet; subnet++) {
    const address = `${prefix}:${subnet.toString(16)}::`
    if (!taken.has(address)) return address
  }
  throw new HetznerError('resource_limit_exceeded', 'no IPv6 network is left')
}

/** Whether a reverse DNS entry for this address may be kept with the Primary IP. */
export function belongsTo(primaryIp: PrimaryIp, text: string): boolean {
  if (primaryIp.type === 'ipv4') return text === primaryIp.address
  if (!isIPv6(text) || text.includes('%')) return false
  return ipaddr.IPv6.parse(text).match(ipaddr.IPv6.parse(primaryIp.address), 64)
}

/** The name that an IPv4 address has until another is set. */
export const defaultPointer = (address: string) =>
  `static.${address.split('.').reverse().join('.')}.clients.your-server.de`
