import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainProblem } from './problem.ts'

/** As certbot 2 and 4 print it. */
const challenge = (type: string, detail: string): string => `Saving debug log to /var/log/letsencrypt/letsencrypt.log
Requesting a certificate for mqtt.example.com

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: mqtt.example.com
  Type:   ${type}
  Detail: ${detail}

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.

Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org.
`
const unexpected = (words: string): string => `Saving debug log to /var/log/letsencrypt/letsencrypt.log
Requesting a certificate for mqtt.example.com
An unexpected error occurred:
${words}
Ask for help or search for solutions at https://community.letsencrypt.org.
`

const limit =
  'too many failed authorizations (5) for "mqtt.example.com" in the last 1h0m0s, retry after 2026-11-22 15:34:00 UTC: see https://letsencrypt.org/docs/rate-limits/'
const cases: [what: string, output: string, reason: RegExp][] = [
  [
    'DNS that is late',
    challenge('dns', 'DNS problem: NXDOMAIN looking up A for mqtt.example.com'),
    /^the CA does not find the address of the name in DNS; in its words: DNS problem: NXDOMAIN/,
  ],
  [
    'DNS that is late, as Pebble says it',
    challenge('connection', 'could not resolve URL "http://x/"'),
    /^the CA does not find the address/,
  ],
  [
    'a CAA record that cannot be looked up',
    challenge('dns', 'DNS problem: SERVFAIL looking up CAA for example.com'),
    /^the CA does not find/,
  ],
  [
    'a CAA record of another CA',
    challenge('caa', 'CAA record for mqtt.example.com prevents issuance'),
    /^a CAA record in DNS forbids this CA/,
  ],
  [
    'a CAA record, found out when the order is finalized',
    unexpected('Error finalizing order :: Rechecking CAA for "mqtt.example.com"'),
    /^a CAA record/,
  ],
  [
    'a blocked port 80',
    challenge('connection', '192.0.2.1: Fetching http://mqtt.example.com/: Timeout during connect'),
    /^the CA does not reach port 80 /,
  ],
  [
    'a name that leads elsewhere',
    challenge('unauthorized', '192.0.2.1: Invalid response: 404'),
    /^another server than this one answers/,
  ],
  [
    'a rate limit',
    unexpected(`Error creating new order :: ${limit}`),
    /^the CA's rate limit is reached; in its words: Error creating/,
  ],
  [
    'an account that is paused',
    unexpected('Your account is temporarily prevented from requesting certificates'),
    /^the CA's rate limit/,
  ],
  [
    'a name that the CA does not take',
    unexpected(
      'The server will not issue for the identifier :: Order included an identifier for which issuance is forbidden by policy: "x"',
    ),
    /^the CA does not issue for this name; in its words: The server will not/,
  ],
  [
    'a CA that is ill',
    unexpected('The server experienced an internal error :: unable to create'),
    /^the CA has a problem of its own/,
  ],
  [
    'a CA that is not there',
    unexpected("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='acme', port=443): Max retries"),
    /^the CA cannot be reached; /,
  ],
  ['something nobody thought of', unexpected('ValueError: 42'), /^in its words: ValueError: 42$/],
  ['one line only', 'Another instance of Certbot is already running.', /^in its words: Another instance of Certbot/],
  ['nothing', '', /^certbot does not say why$/],
]

for (const [what, output, reason] of cases) {
  test(`${what} is told in plain words`, () => assert.match(explainProblem(output, '').reason, reason))
}

test('what certbot of Debian 12 stumbles over is found in its log', () => {
  const stumbling = unexpected("AttributeError: can't set attribute")
  const log = (type: string, words: string) => `Traceback (most recent call last):
    raise messages.Error.from_json(jobj)
acme.messages.Error: urn:ietf:params:acme:error:${type} :: ${words}

During handling of the above exception, another exception occurred:

AttributeError: can't set attribute
`
  const rateLimited = explainProblem(
    stumbling,
    log('rateLimited', `There were too many requests of a given type :: ${limit}`),
  )
  assert.match(rateLimited.reason, /^the CA's rate limit is reached; in its words: There were too many requests/)
  assert.equal(rateLimited.retryAfter, Date.UTC(2026, 10, 22, 15, 34))
  assert.match(
    explainProblem(stumbling, log('caa', 'CAA records forbid the CA from issuing')).reason,
    /^a CAA record in DNS forbids this CA/,
  )
  // Of an account here, not of a challenge.
  assert.match(
    explainProblem(stumbling, log('unauthorized', 'The client lacks sufficient authorization')).reason,
    /^in its words: The client lacks/,
  )
  // Of an attempt before.
  assert.match(
    explainProblem('Another instance of Certbot is already running.', log('caa', 'x')).reason,
    /Another instance/,
  )
})

test('the time before which the CA wants to hear nothing is understood, in UTC', () => {
  assert.equal(explainProblem(unexpected(limit), '').retryAfter, Date.UTC(2026, 10, 22, 15, 34))
  assert.equal(
    explainProblem(unexpected('retry after 2026-11-22T15:34:00Z'), '').retryAfter,
    Date.UTC(2026, 10, 22, 15, 34),
  )
  for (const words of ['retry after a while', 'retry after 2026-99-99 99:99:99', 'ValueError']) {
    assert.equal('retryAfter' in explainProblem(unexpected(words), ''), false, words)
  }
})

test('words of strangers neither steer a terminal nor fill it', () => {
  const { reason } = explainProblem(challenge('unauthorized', `\u001b[2J\u009b31m"${'x'.repeat(10_000)}"`), '')
  assert.match(reason, /^[\x20-\x7e]+…$/)
  assert.ok(reason.length < 400)
})
