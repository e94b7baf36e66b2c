import ipaddr from 'ipaddr.js'
import type { FirewallRule } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'

/**
 * One atomic nftables transaction that puts a server's firewall in force, with the provider's semantics: what is not
 * listed is dropped without an answer, connections that stand stay.
 * @param rules `null`: no firewall; an empty list: nothing comes in
 * @returns text for `nft -f`
 * @throws Error when a rule's source or port is not one
 * @see https://docs.hetzner.com/cloud/firewalls/overview
 */
export function renderFirewall(
  instance: Instance,
  id: number,
  networkInterface: string,
  rules: readonly FirewallRule[] | null,
): string {
  const chain = `inet ${instance.name} server_${id}`
  const element = `inet ${instance.name} firewalls { "${networkInterface}" : jump server_${id} }`
  // Adding what is there is no error, so this holds for the first time as well as for an update.
  const reset = [`add chain ${chain}`, `flush chain ${chain}`, `add element ${element}`]
  const lines =
    rules === null
      ? [...reset, `delete element ${element}`, `delete chain ${chain}`]
      : [
          ...reset,
          `add rule ${chain} ct state established,related accept`,
          ...rules.flatMap(matches).map((match) => `add rule ${chain} ${match} accept`),
          `add rule ${chain} counter drop`,
        ]
  return `${lines.join('\n')}\n`
}

function matches(rule: FirewallRule): string[] {
  return rule.source_ips.map((source) => `${sourceMatch(source)} ${protocolMatch(rule)}`)
}

function sourceMatch(source: string): string {
  if (!ipaddr.isValidCIDR(source)) throw new Error(`firewall source "${source}" is not a CIDR such as 192.0.2.0/24`)
  const [address, prefix] = ipaddr.parseCIDR(source)
  const version = address.kind() === 'ipv4' ? 'ip' : 'ip6'
  return prefix === 0 ? `meta nfproto ${address.kind()}` : `${version} saddr ${address.toString()}/${prefix}`
}

function protocolMatch({ protocol, port }: FirewallRule): string {
  if (protocol === 'icmp') return 'meta l4proto { icmp, ipv6-icmp }'
  const [first, last = first] = (/^(\d{1,5})(?:-(\d{1,5}))?$/.exec(port ?? '') ?? []).slice(1).map(toPort)
  if (first === undefined || last === undefined || first > last) {
    throw new Error(`firewall port "${port}" is not a port such as "80" or a range such as "80-85"`)
  }
  return `${protocol} dport ${first === last ? first : `${first}-${last}`}`
}

function toPort(digits: string | undefined): number | undefined {
  const port = Number(digits)
  return port >= 1 && port <= 65_535 ? port : undefined
}
