import { createHash, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { isKnown } from '../lifecycle.ts'
import type { Failure, Resource } from '../provider.ts'
import { number, type Properties, text } from '../values.ts'
import { openSshForms } from './openssh.ts'

const generate = promisify(generateKeyPair)
const curves: Readonly<Record<string, string>> = {
  P224: 'secp224r1',
  P256: 'prime256v1',
  P384: 'secp384r1',
  P521: 'secp521r1',
}
const algorithms = ['ECDSA', 'ED25519', 'RSA']

function check(inputs: Properties): Failure[] {
  const failures: Failure[] = []
  if (isKnown(inputs, 'algorithm') && !algorithms.includes(String(inputs.algorithm))) {
    failures.push({ property: 'algorithm', reason: `must be one of ${algorithms.join(', ')}` })
  }
  if (isKnown(inputs, 'ecdsaCurve') && !Object.hasOwn(curves, String(inputs.ecdsaCurve))) {
    failures.push({ property: 'ecdsaCurve', reason: `must be one of ${Object.keys(curves).join(', ')}` })
  }
  return failures
}

async function makeKey(inputs: Properties): Promise<KeyObject> {
  switch (inputs.algorithm) {
    case 'ED25519':
      return (await generate('ed25519')).privateKey
    case 'RSA':
      return (await generate('rsa', { modulusLength: number(inputs, 'rsaBits') ?? 2048 })).privateKey
    default: {
      const namedCurve = curves[text(inputs, 'ecdsaCurve') ?? 'P224'] ?? 'secp224r1'
      return (await generate('ec', { namedCurve })).privateKey
    }
  }
}

/** The PEM form that belongs to the algorithm: PKCS#1, SEC 1, and PKCS#8 where there is no older one. */
function traditionalPem(key: KeyObject): string {
  const type = { rsa: 'pkcs1', ec: 'sec1' } as const
  const kind = key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'ec' ? type[key.asymmetricKeyType] : 'pkcs8'
  return key.export({ format: 'pem', type: kind }).toString()
}

export const privateKey: Resource<undefined> = {
  inputs: ['algorithm', 'ecdsaCurve', 'rsaBits'],
  forceNew: ['algorithm', 'ecdsaCurve', 'rsaBits'],
  computed: [
    'privateKeyPem',
    'privateKeyPemPkcs8',
    'privateKeyOpenssh',
    'publicKeyPem',
    'publicKeyOpenssh',
    'publicKeyFingerprintMd5',
    'publicKeyFingerprintSha256',
  ],
  secretOutputs: ['privateKeyPem', 'privateKeyPemPkcs8', 'privateKeyOpenssh'],
  defaults: { ecdsaCurve: 'P224', rsaBits: 2048 },
  check,

  async create(inputs) {
    const key = await makeKey(inputs)
    const publicKey = createPublicKey(key)
    const openSsh = openSshForms(key)
    const outputs: Properties = {
      algorithm: inputs.algorithm ?? '',
      ecdsaCurve: inputs.ecdsaCurve ?? 'P224',
      rsaBits: inputs.rsaBits ?? 2048,
      privateKeyPem: traditionalPem(key),
      privateKeyPemPkcs8: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
      privateKeyOpenssh: openSsh?.privateKey ?? '',
      publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      publicKeyOpenssh: openSsh?.publicKey ?? '',
      publicKeyFingerprintMd5: openSsh?.fingerprintMd5 ?? '',
      publicKeyFingerprintSha256: openSsh?.fingerprintSha256 ?? '',
    }
    const id = createHash('sha1')
      .update(publicKey.export({ format: 'der', type: 'spki' }))
      .digest('hex')
    return { id, outputs }
  },
}
