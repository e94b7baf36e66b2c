import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi'
import * as tls from '@pulumi/tls'
import { Certificate, chain, ellipticCurve, organization, type Signer } from './certificate.ts'

interface AuthorityArgs {
  /** Of the authority in its stack; the first one is 1. */
  readonly number: number
  /** Told apart from the authorities of other stacks by this name; the hostname may change, these must not. */
  readonly stack: string
}

const year = 365 * 24

/** Hours. Neither is made anew by a routine `up`: devices keep the root for its life. */
const lifetimes = { root: 20 * year, issuing: 5 * year }
const uses = ['cert_signing', 'crl_signing']

/** A root CA and the one issuing CA below it. */
export class Authority extends ComponentResource {
  /** The root CA, PEM. */
  readonly root: Output<string>
  /** The issuing CA, then the root CA, PEM. */
  readonly certificates: Output<string>
  /** The issuing CA: it signs everything that is no authority. */
  readonly issuing: Signer

  constructor(name: string, { number, stack }: AuthorityArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Authority', name, {}, options)
    // Two roots of one name would be one root to many clients.
    const owner = number === 1 ? stack : `${stack} ${number}`
    const root = this.#selfSigned(`root-ca-${number}`, `Skerry root CA (${owner})`)
    const issuing = new Certificate(
      `issuing-ca-${number}`,
      {
        commonName: `Skerry issuing CA (${owner})`,
        signer: root,
        uses,
        pathLength: 0,
        validHours: lifetimes.issuing,
        renewalHours: 0,
      },
      { parent: this },
    )
    this.root = chain(root.certificate)
    this.certificates = chain(issuing.certificate, root.certificate)
    this.issuing = issuing
    this.registerOutputs({ root: this.root })
  }

  #selfSigned(name: string, commonName: string): Signer {
    const key = new tls.PrivateKey(name, ellipticCurve, { parent: this })
    const certificate = new tls.SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName, organization },
        allowedUses: uses,
        isCaCertificate: true,
        maxPathLength: 1,
        setSubjectKeyId: true,
        setAuthorityKeyId: true,
        earlyRenewalHours: 0,
        validityPeriodHours: lifetimes.root,
      },
      { parent: this },
    )
    return { certificate: certificate.certPem, privateKey: key.privateKeyPem }
  }
}
