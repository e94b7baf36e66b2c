import type { X509Certificate } from 'node:crypto'
import { isUsername, usernameRule } from './usernames.ts'

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2'

/**
 * The username that a client certificate stands for: its one common name.
 * The TLS layer has already checked the chain and the dates; this adds what it leaves open (RFC 5280, 4.2.1.9 and 4.2.1.12).
 */
export function certificateUsername(
  certificate: X509Certificate,
  proxyCertificate: X509Certificate | undefined,
): { username: string } | { refused: string } {
  if (proxyCertificate?.raw.equals(certificate.raw)) return { refused: "the proxy's certificate is nobody's identity" }
  if (certificate.ca) return { refused: 'the certificate is an authority, not a client' }
  // Without any extended key usage a certificate would pass for every purpose.
  if (!certificate.keyUsage?.includes(CLIENT_AUTHENTICATION))
    return { refused: 'the certificate is not for clientAuth' }
  const name: unknown = certificate.toLegacyObject().subject?.CN
  if (typeof name !== 'string') return { refused: 'the certificate must have exactly one common name' }
  if (!isUsername(name)) return { refused: `the certificate's common name must be ${usernameRule}` }
  return { username: name }
}
