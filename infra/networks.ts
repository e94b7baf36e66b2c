import ipaddr from 'ipaddr.js'

/** Prefixes shorter than these hold so much of the internet that they guard nothing. */
const shortestPrefix = { ipv4: 8, ipv6: 16 }

/**
 * Judges a network from which operators may reach SSH.
 *
 * @param text what the settings say, for example `203.0.113.0/24`
 * @returns what is wrong with it, or undefined when it is fine
 */
export function networkMistake(text: string): string | undefined {
  if (ipaddr.isValid(text)) return `"${text}" has no prefix length: for this one address write ${hostNetwork(text)}`
  // The parser also takes short, octal and zoned forms (10.1/16, fe80::%eth0/64), which the firewall's API refuses.
  const [address, prefixLength] = ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : []
  if (address === undefined || prefixLength === undefined || !isPlain(text, address)) {
    return `"${text}" is not a network in CIDR notation`
  }
  const kind = address.kind()
  if (prefixLength < shortestPrefix[kind]) {
    return `"${text}" would open SSH to ${prefixLength === 0 ? 'the whole internet' : 'a great part of the internet'}: whoever may log in here controls the server, so name only the networks you work from (/${shortestPrefix[kind]} or longer)`
  }
  const base = networkOf(address, prefixLength)
  if (base !== address.toString()) return `"${text}" has bits set behind its prefix: write ${base}/${prefixLength}`
  return undefined
}

/** The one spelling of a network that {@link networkMistake} found nothing wrong with, as the firewall's API returns it. */
export function canonicalNetwork(text: string): string {
  const [address, prefixLength] = ipaddr.parseCIDR(text)
  return `${address.toString()}/${prefixLength}`
}

function hostNetwork(text: string): string {
  const address = ipaddr.parse(text)
  return `${address.toString()}/${address.kind() === 'ipv4' ? 32 : 128}`
}

function isPlain(text: string, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address.kind() === 'ipv6' ? !text.includes('%') : text.split('/')[0] === address.toString()
}

function networkOf(address: ipaddr.IPv4 | ipaddr.IPv6, prefixLength: number): string {
  const base =
    address.kind() === 'ipv4'
      ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${prefixLength}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${address}/${prefixLength}`)
  return base.toString()
}
