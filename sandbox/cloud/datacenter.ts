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
  /** The network of which the server is `::1`, without its length (/64): `fd3b:6c1e:a700:10::`; null: IPv4 only. */
  readonly ipv6: string | null
  readonly userData: string
  /** Public keys for root, as the provider injects them, OpenSSH form. */
  readonly sshKeys: readonly string[]
  /** `null`: no firewall, everything comes through; an empty list: nothing does. */
  readonly rules: readonly FirewallRule[] | null
}

/** A disk that outlives the servers that it is attached to. */
export interface VolumeOrder {
  readonly id: number
  /** GiB */
  readonly size: number
  /** null: as it comes from the factory. */
  readonly format: 'ext4' | null
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
  /** Stops the server and removes its disk and network; volumes that it has are detached before. */
  deleteServer(id: number): Promise<void>
  createVolume(order: VolumeOrder): Promise<void>
  /** @param size GiB, more than before; a file system on it has to be told by whoever uses it */
  resizeVolume(id: number, size: number): Promise<void>
  /** @throws Error while it is attached */
  deleteVolume(id: number): Promise<void>
  /**
   * Plugs the volume into a server, on or off: a block device /dev/disk/by-id/scsi-0HC_Volume_ID.
   * @param automount mounts it at /mnt/HC_Volume_ID too, now and at every boot; the server must be on
   */
  attachVolume(id: number, server: number, automount: boolean): Promise<void>
  /** The volume's plug is pulled: what was not written is lost, what uses it gets errors; fine when it is not attached. */
  detachVolume(id: number): Promise<void>
  setFirewall(id: number, rules: readonly FirewallRule[] | null): Promise<void>
  /** The complete list of the zone's records, in force when it resolves. */
  setRecords(records: readonly DnsRecord[]): Promise<void>
}
