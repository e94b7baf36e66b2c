import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi'
import type { BuiltRelease } from '../release/build.ts'
import { Dns } from './dns.ts'
import { Network } from './network.ts'
import { Release } from './release.ts'
import { Server } from './server.ts'
import type { Settings } from './settings.ts'
import { Storage } from './storage.ts'
import { Trust } from './trust.ts'
import { type Urls, urlsOf } from './urls.ts'

interface EnvironmentArgs {
  readonly settings: Settings
  readonly stack: string
  readonly built: BuiltRelease
}

/** One whole environment: trust → network → dns → server → storage → release. */
export class Environment extends ComponentResource {
  readonly hostname: string
  readonly ipv4Address: Output<string>
  readonly ipv6Address: Output<string>
  readonly urls: Urls
  readonly trust: Trust
  readonly server: Server

  constructor(name: string, { settings, stack, built }: EnvironmentArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Environment', name, {}, options)
    const { hostname, protect, authorities } = settings
    const parent = { parent: this }
    this.hostname = hostname
    this.urls = urlsOf(settings)
    this.trust = new Trust('trust', { hostname, stack, authorities, protect }, parent)
    const { ipv4, ipv6, ipv6Address, firewall } = new Network('network', settings, parent)
    this.ipv4Address = ipv4.ipAddress
    this.ipv6Address = ipv6Address
    const { cloudflareZoneId: zoneId, caaIssuer } = settings
    const dns = new Dns('dns', { zoneId, hostname, ipv4Address: ipv4.ipAddress, ipv6Address, caaIssuer }, parent)
    this.server = new Server('server', { ...settings, ipv4, ipv6, firewall, dns }, parent)
    const { id: serverId, connection } = this.server
    const storage = new Storage(
      'storage',
      { hostname, volumeSize: settings.volumeSize, location: ipv4.location, protect, serverId },
      parent,
    )
    const { trust } = this
    new Release('release', { built, serverId, connection, storage, trust, passwords: settings.users }, parent)
    this.registerOutputs({ hostname, urls: this.urls })
  }
}
