import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi'
import { Authority } from './authority.ts'
import { Certificate, type CertificateArgs, chain } from './certificate.ts'

interface TrustArgs {
  readonly hostname: string
  readonly stack: string
  /** Numbers of the authorities that are trusted, at least one; the first one signs. */
  readonly authorities: readonly number[]
  /** Whether the engine refuses to delete an authority. */
  readonly protect: boolean
}

/** A certificate, leaf first and then the issuing CA, with its key; both PEM. */
export interface IdentityOutputs {
  readonly certificate: Output<string>
  readonly privateKey: Output<string>
}

const year = 365 * 24
const day = 24

/** Any `up` in their second year makes server-side certificates anew, so that one `up` a year keeps every gateway connected. */
const lifetimes = {
  server: { validHours: 2 * year, renewalHours: year },
  administrator: { validHours: year, renewalHours: 90 * day },
}

const serverUses = ['digital_signature', 'server_auth']
const clientUses = ['digital_signature', 'client_auth']

/** The administrator's common name, and so its user name; it has no password. */
export const administrator = 'admin'

/** The stack's own public key infrastructure: authorities → broker, proxy, health check, administrator. */
export class Trust extends ComponentResource {
  /** The root CAs, PEM, the one of new certificates first: all that a device needs to know of. */
  readonly roots: Output<string>
  /** Of each authority the issuing CA and the root CA, PEM. */
  readonly authorities: Output<string>
  readonly broker: IdentityOutputs
  readonly proxy: IdentityOutputs
  readonly health: IdentityOutputs
  readonly administrator: IdentityOutputs

  constructor(name: string, args: TrustArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Trust', name, {}, options)
    const { hostname, stack, protect } = args
    const trusted = args.authorities.map(
      (number) => new Authority(`authority-${number}`, { number, stack }, { parent: this, protect }),
    )
    const [signing] = trusted
    if (!signing) throw new Error('an environment needs an authority: settings name none')
    const { issuing } = signing
    const identity = (name: string, args: Omit<CertificateArgs, 'signer'>): IdentityOutputs => {
      const made = new Certificate(name, { ...args, signer: issuing }, { parent: this })
      return { certificate: chain(made.certificate, issuing.certificate), privateKey: made.privateKey }
    }
    this.roots = chain(...trusted.map(({ root }) => root))
    this.authorities = chain(...trusted.map(({ certificates }) => certificates))
    this.broker = identity('broker', {
      commonName: hostname,
      dnsNames: [hostname, 'localhost'],
      ipAddresses: ['127.0.0.1'],
      uses: serverUses,
      ...lifetimes.server,
    })
    this.proxy = identity('proxy', { commonName: 'skerry-proxy', uses: clientUses, ...lifetimes.server })
    this.health = identity('health', { commonName: 'skerry-health', uses: clientUses, ...lifetimes.server })
    this.administrator = identity('administrator', {
      commonName: administrator,
      uses: clientUses,
      ...lifetimes.administrator,
    })
    this.registerOutputs({ roots: this.roots, authorities: this.authorities })
  }
}
