import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate (leaf first, then its issuing CA) and its key (PKCS #8), both PEM. */
export interface IssuedCertificate {
  readonly certificate: string
  readonly privateKey: string
}

export interface CertificateRequest {
  readonly commonName: string
  readonly purposes: readonly ('serverAuth' | 'clientAuth')[]
  readonly dnsNames?: readonly string[]
  readonly addresses?: readonly string[]
  /** Days from now; a negative number makes an expired certificate. */
  readonly days?: number
}

/** A root CA and an issuing CA below it, made on the spot: for development and tests. */
export interface Authority {
  /** The issuing and the root certificate, PEM. */
  readonly authorities: string
  issue(request: CertificateRequest): Promise<IssuedCertificate>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 60 * 60 * 1000
const VALIDITY_DAYS = 365
const purposeIds = { serverAuth: x509.ExtendedKeyUsage.serverAuth, clientAuth: x509.ExtendedKeyUsage.clientAuth }

x509.cryptoProvider.set(webcrypto)

export async function createAuthority(): Promise<Authority> {
  const rootKeys = await generateKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Skerry development root',
    ...validity(VALIDITY_DAYS),
    keys: rootKeys,
    signingAlgorithm: ALGORITHM,
    extensions: authorityExtensions(1),
  })
  const issuingKeys = await generateKeys()
  const issuing = await x509.X509CertificateGenerator.create({
    subject: 'CN=Skerry development issuing',
    issuer: root.subject,
    ...validity(VALIDITY_DAYS),
    publicKey: issuingKeys.publicKey,
    signingKey: rootKeys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: authorityExtensions(0),
  })
  return {
    authorities: `${issuing.toString('pem')}\n${root.toString('pem')}\n`,
    async issue({ commonName, purposes, dnsNames = [], addresses = [], days = VALIDITY_DAYS }) {
      const keys = await generateKeys()
      const names = [
        ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ...addresses.map((value) => ({ type: 'ip' as const, value })),
      ]
      const leaf = await x509.X509CertificateGenerator.create({
        subject: `CN=${commonName}`,
        issuer: issuing.subject,
        ...validity(days),
        publicKey: keys.publicKey,
        signingKey: issuingKeys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          ...(purposes.length > 0
            ? [new x509.ExtendedKeyUsageExtension(purposes.map((purpose) => purposeIds[purpose]))]
            : []),
          ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        ],
      })
      return {
        certificate: `${leaf.toString('pem')}\n${issuing.toString('pem')}\n`,
        privateKey: x509.PemConverter.encode(
          await webcrypto.subtle.exportKey('pkcs8', keys.privateKey),
          x509.PemConverter.PrivateKeyTag,
        ),
      }
    },
  }
}

function generateKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const end = Date.now() + days * DAY
  return { notBefore: new Date(Math.min(Date.now(), end) - DAY), notAfter: new Date(end) }
}

function authorityExtensions(pathLength: number): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
  ]
}
