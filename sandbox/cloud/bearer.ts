import { createHash, timingSafeEqual } from 'node:crypto'

/** The token of an `Authorization: Bearer …` header, or undefined. */
export function bearerToken(header: string | undefined): string | undefined {
  return header?.match(/^Bearer +(\S+)$/i)?.[1]
}

/** Compares in constant time, whatever the lengths; an unset expectation matches nothing. */
export function sameToken(given: string, expected: string | undefined): boolean {
  if (expected === undefined) return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}
