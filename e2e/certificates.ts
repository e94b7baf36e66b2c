import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 86_400_000

/**
 * Makes a client certificate that says everything `certificateFile` says, its issuer's name included, but is signed by
 * a key of our own.
 * @returns the paths of certificate chain and key
 */
export async function forge(directory: string, certificateFile: string): Promise<{ certificate: string; key: string }> {
  const original = new X509Certificate(await readFile(certificateFile, 'utf8'))
  const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) }
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const authority = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: original.issuer,
    keys: authorityKeys,
    signingAlgorithm: algorithm,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  })
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const leaf = await X509CertificateGenerator.create({
    ...validity,
    subject: original.subject,
    issuer: original.issuer,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const paths = { certificate: join(directory, 'forged.crt'), key: join(directory, 'forged.key') }
  await writeFile(paths.certificate, `${leaf.toString('pem')}\n${authority.toString('pem')}\n`)
  await writeFile(paths.key, `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 })
  return paths
}
