import * as hcloud from '@pulumi/hcloud'
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi'
import ipaddr from 'ipaddr.js'
import { labels } from './labels.ts'
import { type Port, ports } from './ports.ts'

interface NetworkArgs {
  readonly hostname: string
  readonly location: string
  /** CIDR networks that may reach the operators' ports. */
  readonly sshNetworks: readonly string[]
  readonly plainMqtt: boolean
  /** Whether neither the engine nor Hetzner deletes the addresses. */
  readonly protect: boolean
}

const everyone = ['0.0.0.0/0', '::/0']

/** The addresses that outlive servers, and the firewall in front of them. */
export class Network extends ComponentResource {
  readonly ipv4: hcloud.PrimaryIp
  readonly ipv6: hcloud.PrimaryIp
  /** The one address of the IPv6 network at which the server answers. */
  readonly ipv6Address: Output<string>
  readonly firewall: hcloud.Firewall

  constructor(name: string, args: NetworkArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Network', name, {}, options)
    // With autoDelete an address would go with the server, behind the engine's back.
    const kept = { autoDelete: false, deleteProtection: args.protect, labels }
    // An address cannot move: another location would be another address, and every gateway's DNS answer wrong.
    const options_ = { parent: this, protect: args.protect, ignoreChanges: ['location'] }
    this.ipv4 = new hcloud.PrimaryIp(
      'ipv4',
      { ...kept, name: args.hostname, type: 'ipv4', location: args.location },
      options_,
    )
    this.ipv6 = new hcloud.PrimaryIp(
      'ipv6',
      { ...kept, name: `${args.hostname}-ipv6`, type: 'ipv6', location: this.ipv4.location },
      options_,
    )
    this.ipv6Address = this.ipv6.ipAddress.apply(firstAddress)
    this.firewall = new hcloud.Firewall(
      'firewall',
      { name: args.hostname, labels, rules: firewallRules(args) },
      { parent: this },
    )
    this.registerOutputs({ ipv4Address: this.ipv4.ipAddress, ipv6Address: this.ipv6Address })
  }
}

/**
 * The address that a server takes of its IPv6 network: https://docs.hetzner.com/cloud/servers/faq/
 *
 * @param network as the API gives it, for example `2001:db8:3ea::`
 */
export function firstAddress(network: string): string {
  const { parts } = ipaddr.IPv6.parse(network)
  return new ipaddr.IPv6([...parts.slice(0, 7), 1]).toString()
}

interface Rule {
  readonly direction: 'in'
  readonly protocol: 'tcp' | 'icmp'
  readonly port?: string
  readonly sourceIps: string[]
  readonly description: string
}

/** What the cloud's firewall lets in; with one inbound rule there, everything else is dropped. */
export function firewallRules(args: Pick<NetworkArgs, 'sshNetworks' | 'plainMqtt'>): Rule[] {
  const sources = (port: Port) => (port.audience === 'operators' ? [...args.sshNetworks] : [...everyone])
  const open = ports.filter((port) => port.name !== 'mqtt' || args.plainMqtt)
  return [
    // ICMP carries "packet too big": without it some paths swallow large packets (RFC 4890, section 4.3.1).
    { direction: 'in', protocol: 'icmp', sourceIps: [...everyone], description: 'ICMP' },
    ...open.map(
      (port): Rule => ({
        direction: 'in',
        protocol: 'tcp',
        port: String(port.number),
        sourceIps: sources(port),
        description: port.purpose,
      }),
    ),
  ]
}
