import { randomBytes } from 'node:crypto'

/** 144 random bits in 24 characters that need no quoting in a shell or a URL. */
export function randomPassword(): string {
  return randomBytes(18).toString('base64url')
}
