import * as cloudflare from '@pulumi/cloudflare'
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi'

interface DnsArgs {
  readonly zoneId: string
  readonly hostname: string
  readonly ipv4Address: Input<string>
  readonly ipv6Address: Input<string>
  /** Issuer domain name of the one authority that may issue for the hostname. */
  readonly caaIssuer: string
}

/** Seconds; short, because a moved server should be found soon. */
const ttl = 300

/** The hostname's records at Cloudflare. */
export class Dns extends ComponentResource {
  constructor(name: string, args: DnsArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Dns', name, {}, options)
    // Cloudflare's proxy carries HTTP only: a proxied name would answer on no MQTT port.
    const record = { zoneId: args.zoneId, name: args.hostname, ttl, proxied: false }
    new cloudflare.DnsRecord('a', { ...record, type: 'A', content: args.ipv4Address }, { parent: this })
    new cloudflare.DnsRecord('aaaa', { ...record, type: 'AAAA', content: args.ipv6Address }, { parent: this })
    new cloudflare.DnsRecord(
      'caa',
      { ...record, type: 'CAA', data: { flags: 0, tag: 'issue', value: args.caaIssuer } },
      { parent: this },
    )
    this.registerOutputs({})
  }
}
