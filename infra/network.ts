import * as hcloud from '@pulumi/hcloud'
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi'
import { labels } from './labels.ts'
import { type Port, ports } from './ports.ts'

interface NetworkArgs {
  readonly hostname: string
  readonly location: string
  /** CIDR networks that may reach the operators' ports. */
  readonly sshNetworks: readonly string[]
  readonly plainMqtt: boolean
}

const everyone = ['0.0.0.0/0', '::/0']

/** The address that outlives servers, and the firewall in front of them. */
export class Network extends ComponentResource {
  readonly address: hcloud.PrimaryIp
  readonly firewall: hcloud.Firewall

  constructor(name: string, args: NetworkArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Network', name, {}, options)
    this.address = new hcloud.PrimaryIp(
      'ipv4',
      // With autoDelete the address would go with the server, behind the engine's back.
      { name: args.hostname, type: 'ipv4', location: args.location, autoDelete: false, labels },
      // An address cannot move: another location would be another address, and every gateway's DNS answer wrong.
      { parent: this, ignoreChanges: ['location'] },
    )
    this.firewall = new hcloud.Firewall(
      'firewall',
      { name: args.hostname, labels, rules: firewallRules(args) },
      { parent: this },
    )
    this.registerOutputs({ ipv4Address: this.address.ipAddress })
  }
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
