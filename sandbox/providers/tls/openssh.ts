import { createHash, type KeyObject, randomBytes } from 'node:crypto'

/** @see RFC 4251 section 5 for the data types, RFC 4253, 5656 and 8709 for the keys */
const uint32 = (value: number) => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}
const string = (value: Buffer | string) => {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint32(bytes.length), bytes])
}
const field = (value: string | undefined) => Buffer.from(value ?? '', 'base64url')
const mpint = (value: string | undefined) => {
  let bytes = field(value)
  while (bytes.length > 1 && bytes[0] === 0) bytes = bytes.subarray(1)
  return string(((bytes[0] ?? 0) & 0x80) === 0 ? bytes : Buffer.concat([Buffer.from([0]), bytes]))
}

const curves: Readonly<Record<string, string>> = { 'P-256': 'nistp256', 'P-384': 'nistp384', 'P-521': 'nistp521' }

interface SshKey {
  readonly type: string
  readonly publicBlob: Buffer
  /** The key's own fields of the private section. */
  readonly privateFields: Buffer
}

/** @returns undefined for a key that OpenSSH has no form for */
function sshKey(key: KeyObject): SshKey | undefined {
  const jwk = key.asymmetricKeyDetails?.namedCurve === 'secp224r1' ? {} : key.export({ format: 'jwk' })
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    const [type, point, seed] = ['ssh-ed25519', field(jwk.x), field(jwk.d)]
    const privateFields = Buffer.concat([string(point), string(Buffer.concat([seed, point]))])
    return { type, publicBlob: Buffer.concat([string(type), string(point)]), privateFields }
  }
  if (jwk.kty === 'RSA') {
    const publicBlob = Buffer.concat([string('ssh-rsa'), mpint(jwk.e), mpint(jwk.n)])
    const privateFields = Buffer.concat([jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map(mpint))
    return { type: 'ssh-rsa', publicBlob, privateFields }
  }
  const curve = curves[jwk.crv ?? '']
  if (jwk.kty !== 'EC' || curve === undefined) return undefined
  const type = `ecdsa-sha2-${curve}`
  const point = string(Buffer.concat([Buffer.from([4]), field(jwk.x), field(jwk.y)]))
  const publicBlob = Buffer.concat([string(type), string(curve), point])
  return { type, publicBlob, privateFields: Buffer.concat([string(curve), point, mpint(jwk.d)]) }
}

/** @see PROTOCOL.key of OpenSSH */
function privateKeyFile({ type, publicBlob, privateFields }: SshKey): string {
  const check = randomBytes(4)
  const section = Buffer.concat([check, check, string(type), privateFields, string('')])
  const padding = Buffer.from(Array.from({ length: (8 - (section.length % 8)) % 8 }, (_, index) => index + 1))
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'),
    string('none'),
    string(''),
    uint32(1),
    string(publicBlob),
    string(Buffer.concat([section, padding])),
  ])
  const lines = file.toString('base64').match(/.{1,70}/g) ?? []
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n')
}

export interface OpenSshForms {
  readonly publicKey: string
  readonly privateKey: string
  readonly fingerprintMd5: string
  readonly fingerprintSha256: string
}

/** A private key's forms for OpenSSH; undefined for a curve that OpenSSH does not know. */
export function openSshForms(privateKey: KeyObject): OpenSshForms | undefined {
  const key = sshKey(privateKey)
  if (!key) return undefined
  const md5 = createHash('md5').update(key.publicBlob).digest('hex')
  const sha256 = createHash('sha256').update(key.publicBlob).digest('base64')
  return {
    publicKey: `${key.type} ${key.publicBlob.toString('base64')}\n`,
    privateKey: privateKeyFile(key),
    fingerprintMd5: (md5.match(/../g) ?? []).join(':'),
    fingerprintSha256: `SHA256:${sha256.replace(/=+$/, '')}`,
  }
}
