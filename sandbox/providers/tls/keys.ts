import { createPrivateKey, createPublicKey, type webcrypto } from 'node:crypto'

type CryptoKey = webcrypto.CryptoKey

export interface SigningKey {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly signingAlgorithm: { readonly name: string; readonly hash?: string }
  /** As the genuine provider calls it: `ED25519`, `ECDSA`, `RSA`. */
  readonly algorithm: string
}

/** By the name of the curve, with the hash of the same strength. */
const curves: Readonly<Record<string, { namedCurve: string; hash: string }>> = {
  prime256v1: { namedCurve: 'P-256', hash: 'SHA-256' },
  secp384r1: { namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { namedCurve: 'P-521', hash: 'SHA-512' },
}

/**
 * A private key that can sign certificates.
 * @param pem PKCS#1, SEC 1 or PKCS#8
 * @param property that held it, for the error
 * @throws Error when it is no such key
 */
export function signingKey(pem: string, property: string): SigningKey {
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey(pem)
  } catch {
    // The parser's own message could quote the key.
    throw new Error(`The property "${property}" is no private key in PEM form`)
  }
  const publicKey = createPublicKey(key)
  if (key.asymmetricKeyType === 'ed25519') {
    const name = 'Ed25519'
    return {
      privateKey: key.toCryptoKey(name, false, ['sign']),
      publicKey: publicKey.toCryptoKey(name, true, ['verify']),
      signingAlgorithm: { name },
      algorithm: 'ED25519',
    }
  }
  if (key.asymmetricKeyType === 'rsa') {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    return {
      privateKey: key.toCryptoKey(algorithm, false, ['sign']),
      publicKey: publicKey.toCryptoKey(algorithm, true, ['verify']),
      signingAlgorithm: algorithm,
      algorithm: 'RSA',
    }
  }
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (key.asymmetricKeyType !== 'ec' || !curve) {
    throw new Error(`The property "${property}" must be an ED25519, RSA, or ECDSA key on P256, P384 or P521`)
  }
  const algorithm = { name: 'ECDSA', namedCurve: curve.namedCurve }
  return {
    privateKey: key.toCryptoKey(algorithm, false, ['sign']),
    publicKey: publicKey.toCryptoKey(algorithm, true, ['verify']),
    signingAlgorithm: { name: 'ECDSA', hash: curve.hash },
    algorithm: 'ECDSA',
  }
}
