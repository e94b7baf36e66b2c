import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** An address as people write it: an IPv4 address also where an IPv6 socket shows it as `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return isIP(address) === 0 ? address : ipaddr.process(address).toString()
}

/**
 * The group of addresses that is limited together: one IPv4 address, or the /64 that one IPv6 customer holds at least.
 * An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is the IPv4 address.
 */
export function addressGroup(address: string): string {
  if (isIP(address) === 0) return 'unknown'
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  const prefix = parsed.parts.slice(0, 4).map((part) => part.toString(16))
  return `${prefix.join(':')}::/64`
}

/** The client's address as the proxy states it: exactly one plain IP address, or undefined. */
export function forwardedAddress(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && isIP(header) !== 0 ? header : undefined
}
