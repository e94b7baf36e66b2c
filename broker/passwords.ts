import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'

/** A parsed hash; all hashes have the same cost, so that checking any of them takes the same time. */
export interface PasswordHash {
  readonly salt: Buffer
  readonly hash: Buffer
}

const LOG_COST = 15
const BLOCK_SIZE = 8
const HASH_LENGTH = 32
const SALT_LENGTH = 16
const PREFIX = `$scrypt$ln=${LOG_COST},r=${BLOCK_SIZE},p=1$`
// scrypt needs 128 * N * r bytes (RFC 7914), which is exactly Node's default ceiling and therefore too much for it.
const OPTIONS: ScryptOptions = { N: 2 ** LOG_COST, r: BLOCK_SIZE, p: 1, maxmem: 64 * 1024 * 1024 }

/** Hashes a password with a new salt; gives the PHC string `$scrypt$ln=15,r=8,p=1$SALT$HASH` (base64 without padding). */
export async function hashPassword(password: Buffer): Promise<string> {
  const salt = randomBytes(SALT_LENGTH)
  const hash = await derive(password, salt)
  return `${PREFIX}${unpadded(salt)}$${unpadded(hash)}`
}

/** Reads a PHC string as `hashPassword` writes it; undefined if it is anything else. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  if (!text.startsWith(PREFIX)) return undefined
  const [salt, hash, ...rest] = text.slice(PREFIX.length).split('$').map(decode)
  if (rest.length > 0 || salt?.length !== SALT_LENGTH || hash?.length !== HASH_LENGTH) return undefined
  return { salt, hash }
}

/** Whether a password belongs to a hash; computed outside the event loop. */
export async function verifyPassword(password: Buffer, expected: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, expected.salt), expected.hash)
}

/** A hash that no password belongs to, for users who do not exist: checking it costs as much as a real one. */
export function hashOfNobody(): PasswordHash {
  return { salt: randomBytes(SALT_LENGTH), hash: randomBytes(HASH_LENGTH) }
}

function derive(password: Buffer, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_LENGTH, OPTIONS, (error, key) => (error ? reject(error) : resolve(key)))
  })
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

function decode(text: string): Buffer | undefined {
  return /^[A-Za-z0-9+/]+$/.test(text) ? Buffer.from(text, 'base64') : undefined
}
