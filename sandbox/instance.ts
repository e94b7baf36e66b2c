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
  readonly zone: string
  readonly hostname: string
  readonly acmeName: string
  /** Run state; gone after `down`. */
  readonly directory: string
}

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
  const zone = number === 0 ? 'skerry.test' : `${name}.test`
  return {
    number,
    name,
    interfacePrefix: `sk${number}-`,
    network: `10.77.${number}.0/24`,
    edge: `10.77.${number}.1`,
    zone,
    hostname: `mqtt.${zone}`,
    acmeName: `acme.${zone}`,
    directory: join('/var/tmp', name),
  }
}
