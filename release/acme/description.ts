import type { X509Certificate } from 'node:crypto'
import type { FailedAttempts } from './attempts.ts'

const day = 24 * 60 * 60_000

/**
 * The state of the web front's certificate in one line.
 * @param certificate undefined when the web front has none, not even a self-signed one
 * @param now milliseconds since the epoch
 */
export function describeCertificate(
  certificate: X509Certificate | undefined,
  attempts: FailedAttempts | undefined,
  now: number,
): string {
  const failures = attempts && describeFailures(attempts, now)
  if (!certificate) return ['certificate none', failures].filter(Boolean).join('; ')
  if (certificate.issuer === certificate.subject) {
    return `certificate self-signed; ${failures ?? 'the public one is being asked for'}`
  }
  const left = Math.floor((Date.parse(certificate.validTo) - now) / day)
  const issuer = /^CN=(.+)$/m.exec(certificate.issuer)?.[1] ?? 'a CA without a name'
  const validity = left < 0 ? 'EXPIRED' : `${plural(left, 'day')} left`
  return [`certificate public, from ${issuer}, ${validity}`, failures && `not renewed: ${failures}`]
    .filter(Boolean)
    .join('; ')
}

function describeFailures({ count, reason, next }: FailedAttempts, now: number): string {
  const when = next > now ? `in ${duration(next - now)}, at ${new Date(next).toISOString().slice(0, 16)}Z` : 'now'
  return `asked ${count === 1 ? 'once' : `${count} times`} in vain: ${reason}; next attempt ${when}`
}

function duration(milliseconds: number): string {
  const minutes = Math.ceil(milliseconds / 60_000)
  if (minutes < 120) return plural(minutes, 'minute')
  const hours = Math.round(minutes / 60)
  return hours < 48 ? plural(hours, 'hour') : plural(Math.round(hours / 24), 'day')
}

const plural = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
