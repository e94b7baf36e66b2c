import { z } from 'zod'
import type { Problem } from './problem.ts'

const schema = z.strictObject({
  /** certbot's name of the certificate: another name or another CA begins anew. */
  lineage: z.string(),
  count: z.int().min(1),
  reason: z.string(),
  /** Milliseconds since the epoch. */
  next: z.number(),
})

/** The attempts to get a certificate that failed one after the other; kept in a file, so that a new start does not forget them. */
export type FailedAttempts = z.infer<typeof schema>

/** With `/etc/letsencrypt` on the volume: a new server asks no more often than the old one would have. */
export const attemptsFile = '/etc/letsencrypt/skerry-attempts.json'

const minute = 60_000
const hour = 60 * minute
const longestWait = 8 * 24 * hour

/**
 * When to ask again: after 1, 3, 9 and 27 minutes, then every hour for a day, then every six hours; later if the CA says so.
 * Let's Encrypt allows five failed attempts an hour: https://letsencrypt.org/docs/rate-limits/
 * @param now milliseconds since the epoch
 */
export function afterFailure(
  earlier: FailedAttempts | undefined,
  lineage: string,
  { reason, retryAfter = 0 }: Problem,
  now: number,
): FailedAttempts {
  const count = (earlier?.count ?? 0) + 1
  const wait = Math.min(minute * 3 ** (count - 1), count < 28 ? hour : 6 * hour)
  const next = Math.min(Math.max(now + wait, retryAfter + minute), now + longestWait)
  return { lineage, count, reason, next }
}

/** @returns undefined when nothing failed, for this lineage at least, or when the text is no record of it */
export function parseAttempts(text: string, lineage: string): FailedAttempts | undefined {
  const attempts = schema.safeParse(parseJson(text)).data
  return attempts?.lineage === lineage ? attempts : undefined
}

/** Milliseconds from now; a clock that was wrong when it failed must not make it wait for years. */
export function waitingTime(attempts: FailedAttempts | undefined, now: number): number {
  const wait = (attempts?.next ?? 0) - now
  return wait > longestWait ? 0 : Math.max(0, wait)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
