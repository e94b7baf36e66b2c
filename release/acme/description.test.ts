import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { createAuthority } from '../../broker/authority.ts'
import { describeCertificate } from './description.ts'

const hour = 60 * 60_000
const authority = await createAuthority()
/** Roots sign themselves. */
const own = new X509Certificate(authority.authorities.slice(authority.authorities.lastIndexOf('-----BEGIN')))
const { certificate } = await authority.issue({ commonName: 'mqtt.example.com', purposes: ['serverAuth'], days: 30 })
const issued = new X509Certificate(certificate)
const now = Date.parse(issued.validTo) - 29.5 * 24 * hour
const attempts = { lineage: 'l', count: 3, reason: 'no DNS', next: now + 30 * 60_000 }

test('a self-signed certificate is called so, with what has failed until now', () => {
  assert.equal(describeCertificate(own, undefined, now), 'certificate self-signed; the public one is being asked for')
  assert.match(
    describeCertificate(own, attempts, now),
    /^certificate self-signed; asked 3 times in vain: no DNS; next attempt in 30 minutes, at \d{4}-\d\d-\d\dT\d\d:\d\dZ$/,
  )
})

test('a public one comes with its issuer and the days that are left', () => {
  assert.equal(
    describeCertificate(issued, undefined, now),
    'certificate public, from Skerry development issuing, 29 days left',
  )
  assert.match(describeCertificate(issued, undefined, now + 28.5 * 24 * hour), / 1 day left$/)
  assert.match(describeCertificate(issued, undefined, now + 31 * 24 * hour), /, EXPIRED$/)
  assert.match(
    describeCertificate(issued, attempts, now),
    /, 29 days left; not renewed: asked 3 times in vain: no DNS; /,
  )
})

test('no certificate at all is said, too', () => {
  assert.equal(describeCertificate(undefined, undefined, now), 'certificate none')
})

test('times are told as people tell them', () => {
  const told = (next: number, count = 2) =>
    /asked (.*) in vain.*next attempt (in [^,]*|now)/
      .exec(describeCertificate(own, { ...attempts, count, next }, now))
      ?.slice(1)
  assert.deepEqual(told(now + 1, 1), ['once', 'in 1 minute'])
  assert.deepEqual(told(now - 1), ['2 times', 'now'])
  assert.deepEqual(told(now + 6 * hour), ['2 times', 'in 6 hours'])
  assert.deepEqual(told(now + 7 * 24 * hour), ['2 times', 'in 7 days'])
})
