import { homedir } from 'node:os'
import { join } from 'node:path'

/** One sandbox on this host: everything it makes carries its number, so that two of them never meet. */
export interface Instance {
  readonly number: number
  /** Prefix of the cgroup, the nft table and every network namespace: `skerry0`. */
  readonly name: string
  /** Prefix of network interfaces, short because Linux allows 15 characters: `sk0-`. */
  readonly interfacePrefix: string
  /** IPv4 network of the servers, CIDR. */
  readonly network: string
  /** Where the cloud's services listen and from where the host's clients come. */
  readonly edge: string
  /** IPv6 network of the servers, CIDR /48; each gets a /64 of it. Unique local addresses (RFC 4193). */
  readonly network6: string
  /** What `edge` is, for IPv6. */
  readonly edge6: string
  readonly zone: string
  readonly hostname: string
  readonly acmeName: string
  /** Run state; gone after `down`. */
  readonly directory: string
}

/** All networks of sandboxes, CIDR: the last byte before a network's own length is the instance's number. */
export const allNetworks = { ipv4: '10.77.0.0/16', ipv6: 'fd3b:6c1e:a700::/40' } as const

/** Ports of the cloud's services on the edge address. */
export const edgePorts = {
  hetzner: 8001,
  cloudflare: 8002,
  metadata: 8003,
  dns: 53,
  acme: 14000,
  acmeManagement: 15000,
} as const

/** What may be made again at any time: base systems, the engine, checkers. */
export const cacheDirectory = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'skerry')

/**
 * @param number 0 to 99; by default what SKERRY_SANDBOX says, else 0
 * @throws Error when the number is out of range
 */
export function sandboxInstance(number = Number(process.env.SKERRY_SANDBOX || 0)): Instance {
  if (!Number.isInteger(number) || number < 0 || number > 99) {
    throw new Error(
      `SKERRY_SANDBOX is "${process.env.SKERRY_SANDBOX}": give a whole number from 0 to 99, or leave it out`,
    )
  }
  const name = `skerry${number}`
  const prefix6 = `fd3b:6c1e:a7${number.toString(16).padStart(2, '0')}`
  const zone = number === 0 ? 'skerry.test' : `${name}.test`
  return {
    number,
    name,
    interfacePrefix: `sk${number}-`,
    network: `10.77.${number}.0/24`,
    edge: `10.77.${number}.1`,
    network6: `${prefix6}::/48`,
    edge6: `${prefix6}::1`,
    zone,
    hostname: `mqtt.${zone}`,
    acmeName: `acme.${zone}`,
    directory: join('/var/tmp', name),
  }
}
