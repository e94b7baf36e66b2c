import { ComponentResource, type ComponentResourceOptions, type Input, type Output, output } from '@pulumi/pulumi'
import * as tls from '@pulumi/tls'

/** Whoever signs: its certificate and its key, PEM. */
export interface Signer {
  readonly certificate: Input<string>
  readonly privateKey: Input<string>
}

export interface CertificateArgs {
  readonly commonName: string
  readonly signer: Signer
  /** Key usages and extended key usages as the provider spells them: `server_auth`, whatever its documentation says. */
  readonly uses: readonly string[]
  readonly validHours: number
  /** An `up` in the last so many hours makes the certificate anew; 0: only after it expired. */
  readonly renewalHours: number
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** Makes it an authority, below which so many authorities may follow (RFC 5280, section 4.2.1.9). */
  readonly pathLength?: number
}

/** Stands in the subject of every certificate. */
export const organization = 'Skerry'

/** The kind of every key in the stack's public key infrastructure. */
export const ellipticCurve = { algorithm: 'ECDSA', ecdsaCurve: 'P256' }

/** A private key and the certificate that a signer gives it. */
export class Certificate extends ComponentResource {
  /** PEM, the one certificate without its chain. */
  readonly certificate: Output<string>
  /** PEM, secret. */
  readonly privateKey: Output<string>

  constructor(name: string, args: CertificateArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Certificate', name, {}, options)
    const key = new tls.PrivateKey(name, ellipticCurve, { parent: this })
    const request = new tls.CertRequest(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: args.commonName, organization },
        ...(args.dnsNames ? { dnsNames: [...args.dnsNames] } : {}),
        ...(args.ipAddresses ? { ipAddresses: [...args.ipAddresses] } : {}),
      },
      { parent: this },
    )
    const signed = new tls.LocallySignedCert(
      name,
      {
        certRequestPem: request.certRequestPem,
        caCertPem: args.signer.certificate,
        caPrivateKeyPem: args.signer.privateKey,
        allowedUses: [...args.uses],
        validityPeriodHours: args.validHours,
        earlyRenewalHours: args.renewalHours,
        setSubjectKeyId: true,
        ...(args.pathLength === undefined ? {} : { isCaCertificate: true, maxPathLength: args.pathLength }),
      },
      { parent: this },
    )
    this.certificate = signed.certPem
    this.privateKey = key.privateKeyPem
    this.registerOutputs({ certificate: this.certificate })
  }
}

/** PEM blocks one after the other, in this order, each on lines of its own. */
export function chain(...certificates: readonly Input<string>[]): Output<string> {
  return output(certificates).apply((all) => all.map((one) => `${one.trim()}\n`).join(''))
}
