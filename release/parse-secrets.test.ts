import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSecrets } from './parse-secrets.ts'

const pem = (kind: string): string => `-----BEGIN ${kind}-----\nTUlJ\n-----END ${kind}-----\n`
const identity = { certificate: pem('CERTIFICATE') + pem('CERTIFICATE'), privateKey: pem('EC PRIVATE KEY') }
const secrets = {
  authorities: pem('CERTIFICATE'),
  broker: identity,
  proxy: { ...identity, privateKey: pem('PRIVATE KEY') },
  health: identity,
  passwords: { try: '$scrypt$ln=15,r=8,p=1$c2FsdA$aGFzaA' },
  volume: '4711',
}
const parse = (change: object) => () => parseSecrets(JSON.stringify({ ...secrets, ...change }))

test('secrets come out as they went in', () => {
  assert.deepEqual(parseSecrets(JSON.stringify(secrets)), secrets)
})

test('what is wrong is named, its value never', () => {
  const cases: [change: object, message: RegExp][] = [
    [{ broker: { ...identity, privateKey: 'hunter2' } }, /broker\.privateKey is not PEM$/],
    [{ authorities: '' }, /authorities is not PEM$/],
    [{ passwords: { try: 'hunter2' } }, /passwords\.try is not a scrypt hash in PHC form$/],
    [{ passwords: ['hunter2'] }, /passwords/],
    [{ health: undefined }, /health/],
    [{ volume: undefined }, /volume/],
    [{ volume: 4711 }, /volume/],
    [{ volume: '' }, /volume is not the number of a volume$/],
    [{ volume: '0' }, /volume is not the number of a volume$/],
    [{ volume: '4711/../..' }, /volume is not the number of a volume$/],
    [{ volume: '4711\n' }, /volume is not the number of a volume$/],
    [{ volume: '1'.repeat(20) }, /volume is not the number of a volume$/],
    [{ surplus: 'hunter2' }, /surplus/],
  ]
  for (const [change, message] of cases) {
    assert.throws(parse(change), (error: Error) => message.test(error.message) && !error.message.includes('hunter2'))
  }
})

test('text that is no JSON is not quoted', () => {
  assert.throws(() => parseSecrets('hunter2'), { message: "the release's secrets are not JSON" })
})
