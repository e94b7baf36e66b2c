import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { isKnown } from '../lifecycle.ts'
import type { Created, Failure } from '../provider.ts'
import { list, number, type Properties } from '../values.ts'
import type { SigningKey } from './keys.ts'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type Name,
  type PublicKey,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './x509.ts'

const hour = 3_600_000

/** @see RFC 5280 section 4.2.1.3 */
const keyUsages: Readonly<Record<string, KeyUsageFlags>> = {
  digital_signature: KeyUsageFlags.digitalSignature,
  content_commitment: KeyUsageFlags.nonRepudiation,
  key_encipherment: KeyUsageFlags.keyEncipherment,
  data_encipherment: KeyUsageFlags.dataEncipherment,
  key_agreement: KeyUsageFlags.keyAgreement,
  cert_signing: KeyUsageFlags.keyCertSign,
  crl_signing: KeyUsageFlags.cRLSign,
  encipher_only: KeyUsageFlags.encipherOnly,
  decipher_only: KeyUsageFlags.decipherOnly,
}

/** @see RFC 5280 section 4.2.1.12 */
const extendedKeyUsages: Readonly<Record<string, string>> = {
  any_extended: '2.5.29.37.0',
  server_auth: '1.3.6.1.5.5.7.3.1',
  client_auth: '1.3.6.1.5.5.7.3.2',
  code_signing: '1.3.6.1.5.5.7.3.3',
  email_protection: '1.3.6.1.5.5.7.3.4',
  timestamping: '1.3.6.1.5.5.7.3.8',
  ocsp_signing: '1.3.6.1.5.5.7.3.9',
}

/** Inputs that both kinds of certificates have. */
export const certificateInputs = [
  'allowedUses',
  'validityPeriodHours',
  'earlyRenewalHours',
  'isCaCertificate',
  'maxPathLength',
  'setSubjectKeyId',
]
export const certificateOutputs = ['certPem', 'readyForRenewal', 'validityStartTime', 'validityEndTime']
export const certificateDefaults = { earlyRenewalHours: 0, isCaCertificate: false, setSubjectKeyId: false }

export function checkCertificate(inputs: Properties): Failure[] {
  const failures: Failure[] = []
  for (const use of list(inputs, 'allowedUses')) {
    const known = Object.hasOwn(keyUsages, String(use)) || Object.hasOwn(extendedKeyUsages, String(use))
    if (!known && isKnown({ use }, 'use'))
      failures.push({ property: 'allowedUses', reason: `"${use}" is no known use` })
  }
  for (const name of ['validityPeriodHours', 'earlyRenewalHours', 'maxPathLength']) {
    if (isKnown(inputs, name) && !(Number(inputs[name]) >= 0))
      failures.push({ property: name, reason: 'must be 0 or more' })
  }
  return failures
}

/** Whether the time has come to make the certificate again: its end less the early hours. */
export function isReadyForRenewal(outputs: Properties, inputs: Properties, now = Date.now()): boolean {
  const end = Date.parse(String(outputs.validityEndTime))
  return !Number.isNaN(end) && now >= end - (number(inputs, 'earlyRenewalHours') ?? 0) * hour
}

/** RFC 3339 in whole seconds: certificates know no fractions. */
const timestamp = (milliseconds: number) => new Date(milliseconds).toISOString().replace('.000Z', 'Z')

export interface CertificateParts {
  readonly subject: Name
  readonly publicKey: PublicKey
  readonly issuer: { readonly name: Name; readonly key: SigningKey; readonly subjectKeyId?: string | undefined }
  readonly alternativeNames: Extension | undefined
  /** The issuer's key is named whether or not issuer and subject are the same. */
  readonly nameAuthority: boolean
}

async function extensionsOf(inputs: Properties, parts: CertificateParts): Promise<Extension[]> {
  const uses = list(inputs, 'allowedUses').map(String)
  const flags = uses.reduce((all, use) => all | (keyUsages[use] ?? 0), 0)
  const extended = uses.flatMap((use) => extendedKeyUsages[use] ?? [])
  const isAuthority = inputs.isCaCertificate === true
  const extensions: Extension[] = []
  if (flags !== 0) extensions.push(new KeyUsagesExtension(flags, true))
  if (extended.length > 0) extensions.push(new ExtendedKeyUsageExtension(extended))
  extensions.push(
    new BasicConstraintsExtension(isAuthority, isAuthority ? number(inputs, 'maxPathLength') : undefined, true),
  )
  const own = await SubjectKeyIdentifierExtension.create(parts.publicKey)
  const namesItself = isAuthority || inputs.setSubjectKeyId === true
  if (namesItself) extensions.push(own)
  const selfSigned = isDeepStrictEqual(parts.subject.toJSON(), parts.issuer.name.toJSON())
  const authority = parts.issuer.subjectKeyId ?? (parts.nameAuthority && namesItself ? own.keyId : undefined)
  if (parts.nameAuthority && authority === undefined) {
    throw new Error('The authority key id cannot be set: the issuer has no subject key id')
  }
  if (authority !== undefined && (parts.nameAuthority || !selfSigned)) {
    extensions.push(new AuthorityKeyIdentifierExtension(authority))
  }
  if (parts.alternativeNames) extensions.push(parts.alternativeNames)
  return extensions
}

/** @throws Error when the parts do not make a certificate */
export async function issueCertificate(inputs: Properties, parts: CertificateParts): Promise<Created> {
  if (inputs.isCaCertificate === true && parts.subject.toJSON().length === 0) {
    throw new Error('A CA certificate must have a subject (RFC 5280 section 4.1.2.6)')
  }
  const start = Math.floor(Date.now() / 1000) * 1000
  const end = start + (number(inputs, 'validityPeriodHours') ?? 0) * hour
  // Positive, and short enough for everyone (RFC 5280 section 4.1.2.2).
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial.toString('hex'),
    subject: parts.subject,
    issuer: parts.issuer.name,
    notBefore: new Date(start),
    notAfter: new Date(end),
    publicKey: parts.publicKey,
    signingKey: parts.issuer.key.privateKey,
    signingAlgorithm: parts.issuer.key.signingAlgorithm,
    extensions: await extensionsOf(inputs, parts),
  })
  return {
    id: BigInt(`0x${serial.toString('hex')}`).toString(),
    outputs: {
      ...inputs,
      certPem: `${certificate.toString('pem')}\n`,
      readyForRenewal: false,
      validityStartTime: timestamp(start),
      validityEndTime: timestamp(end),
    },
  }
}
