/** An inbound rule as the Hetzner Cloud API spells it. */
export interface FirewallRule {
  readonly direction: 'in'
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** `"80"` or `"80-85"`; absent for icmp. */
  readonly port?: string
  /** CIDRs, IPv4 and IPv6. */
  readonly source_ips: readonly string[]
}

/** A server as it is ordered. */
export interface ServerOrder {
  readonly id: number
  readonly name: string
  readonly image: 'debian-12' | 'debian-13'
  readonly ipv4: string
  readonly userData: string
  /** Public keys for root, as the provider injects them, OpenSSH form. */
  readonly sshKeys: readonly string[]
  /** `null`: no firewall, everything comes through; an empty list: nothing does. */
  readonly rules: readonly FirewallRule[] | null
}

export interface DnsRecord {
  readonly type: 'A' | 'AAAA' | 'CAA' | 'CNAME' | 'TXT'
  /** Full name without a final dot. */
  readonly name: string
  /** Address, target or text; for CAA `0 issue "letsencrypt.org"`. */
  readonly content: string
}

/** The machine room behind the emulated APIs: what they ask of the host they stand on. */
export interface Datacenter {
  /** Makes the disk and the network, sets the firewall before the first packet, starts the server; resolves when it boots. */
  createServer(order: ServerOrder): Promise<void>
  powerOn(id: number): Promise<void>
  /** The plug is pulled: no shutdown. */
  powerOff(id: number): Promise<void>
  /** A soft reboot from inside. */
  reboot(id: number): Promise<void>
  /** Stops the server and removes its disk and network. */
  deleteServer(id: number): Promise<void>
  setFirewall(id: number, rules: readonly FirewallRule[] | null): Promise<void>
  /** The complete list of the zone's records, in force when it resolves. */
  setRecords(records: readonly DnsRecord[]): Promise<void>
}
