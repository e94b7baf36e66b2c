import type { Kind } from './hetzner.ts'

/** Types of the program that have a name of their own in the project at Hetzner → where its API has them. */
export const kinds: Readonly<Record<string, Kind>> = {
  'hcloud:index/primaryIp:PrimaryIp': 'primary_ips',
  'hcloud:index/volume:Volume': 'volumes',
  'hcloud:index/firewall:Firewall': 'firewalls',
  'hcloud:index/sshKey:SshKey': 'ssh_keys',
  'hcloud:index/server:Server': 'servers',
}
export const dnsRecordType = 'cloudflare:index/dnsRecord:DnsRecord'
