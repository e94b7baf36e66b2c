import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi'
import type { BuiltRelease } from '../release/build.ts'
import { Dns } from './dns.ts'
import { Network } from './network.ts'
import { Release } from './release.ts'
import { Server } from './server.ts'
import type { Settings } from './settings.ts'
import { Trust } from './trust.ts'
import { type Urls, urlsOf } from './urls.ts'

interface EnvironmentArgs {
  readonly settings: Settings
  readonly stack: string
  readonly built: BuiltRelease
}

/** One whole environment: trust → network → dns → server → release. */
export class Environment extends ComponentResource {
  readonly hostname: string
  readonly ipv4Address: Output<string>
  readonly urls: Urls
  readonly trust: Trust
  readonly server: Server

  constructor(name: string, { settings, stack, built }: EnvironmentArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Environment', name, {}, options)
    const { hostname } = settings
    const parent = { parent: this }
    this.hostname = hostname
    this.urls = urlsOf(settings)
    this.trust = new Trust('trust', { hostname, stack }, parent)
    const { address, firewall } = new Network('network', settings, parent)
    this.ipv4Address = address.ipAddress
    const { cloudflareZoneId: zoneId, caaIssuer } = settings
    const dns = new Dns('dns', { zoneId, hostname, ipv4Address: address.ipAddress, caaIssuer }, parent)
    this.server = new Server('server', { ...settings, address, firewall, dns }, parent)
    const { id: serverId, connection } = this.server
    new Release('release', { built, serverId, connection, trust: this.trust, passwords: settings.users }, parent)
    this.registerOutputs({ hostname, urls: this.urls })
  }
}
