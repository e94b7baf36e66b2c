import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi'
import * as tls from '@pulumi/tls'
import { Certificate, type CertificateArgs, chain, ellipticCurve, type Signer } from './certificate.ts'

interface TrustArgs {
  readonly hostname: string
  /** Told apart from the authorities of other stacks by this name; the hostname may change, these must not. */
  readonly stack: string
}

/** A certificate, leaf first and then the issuing CA, with its key; both PEM. */
export interface IdentityOutputs {
  readonly certificate: Output<string>
  readonly privateKey: Output<string>
}

const year = 365 * 24
const day = 24

/**
 * An authority is made anew only when a person decides it: devices keep the root for its life. Server-side certificates
 * are made anew by any `up` in their second year, so that one `up` a year keeps every gateway connected.
 */
const lifetimes = {
  root: { validHours: 20 * year },
  issuing: { validHours: 5 * year, renewalHours: 0 },
  server: { validHours: 2 * year, renewalHours: year },
  administrator: { validHours: year, renewalHours: 90 * day },
}

const organization = 'Skerry'
const authorityUses = ['cert_signing', 'crl_signing']
const serverUses = ['digital_signature', 'server_auth']
const clientUses = ['digital_signature', 'client_auth']

/** The administrator's common name, and so its user name; it has no password. */
export const administrator = 'admin'

/** The stack's own public key infrastructure: root CA → issuing CA → broker, proxy, health check, administrator. */
export class Trust extends ComponentResource {
  /** The root CA, PEM: all that a device needs to know of. */
  readonly root: Output<string>
  /** Issuing CA, then root CA, PEM. */
  readonly authorities: Output<string>
  readonly broker: IdentityOutputs
  readonly proxy: IdentityOutputs
  readonly health: IdentityOutputs
  readonly administrator: IdentityOutputs

  constructor(name: string, args: TrustArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Trust', name, {}, options)
    const root = this.#selfSigned(args.stack)
    const issuing = new Certificate(
      'issuing-ca',
      {
        commonName: `Skerry issuing CA (${args.stack})`,
        organization,
        signer: root,
        uses: authorityUses,
        pathLength: 0,
        ...lifetimes.issuing,
      },
      { parent: this },
    )
    const identity = (name: string, args: Omit<CertificateArgs, 'organization' | 'signer'>): IdentityOutputs => {
      const made = new Certificate(name, { ...args, organization, signer: issuing }, { parent: this })
      return { certificate: chain(made.certificate, issuing.certificate), privateKey: made.privateKey }
    }
    this.root = chain(root.certificate)
    this.authorities = chain(issuing.certificate, root.certificate)
    this.broker = identity('broker', {
      commonName: args.hostname,
      dnsNames: [args.hostname, 'localhost'],
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
    this.registerOutputs({ root: this.root, authorities: this.authorities })
  }

  #selfSigned(stack: string): Signer {
    const key = new tls.PrivateKey('root-ca', ellipticCurve, { parent: this })
    const certificate = new tls.SelfSignedCert(
      'root-ca',
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: `Skerry root CA (${stack})`, organization },
        allowedUses: authorityUses,
        isCaCertificate: true,
        maxPathLength: 1,
        setSubjectKeyId: true,
        setAuthorityKeyId: true,
        earlyRenewalHours: 0,
        validityPeriodHours: lifetimes.root.validHours,
      },
      { parent: this },
    )
    return { certificate: certificate.certPem, privateKey: key.privateKeyPem }
  }
}
