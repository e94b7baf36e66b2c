import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { readCredentials } from './credentials.ts'
import { hashPassword, parsePasswordHash, verifyPassword } from './passwords.ts'
import { adminCertificate, authority, brokerCertificate, proxyCertificate } from './test-support.ts'

const hash = await hashPassword(Buffer.from('secret'))
const context = { hostname: 'localhost', administrators: new Set(['admin']), isProxyNeeded: true }

async function read(
  t: TestContext,
  changes: Readonly<Record<string, string | undefined>>,
  more: Partial<typeof context> = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-credentials-'))
  t.after(() => rm(directory, { recursive: true }))
  const files = {
    'broker.crt': brokerCertificate.certificate,
    'broker.key': brokerCertificate.privateKey,
    'authorities.pem': authority.authorities,
    'proxy.crt': proxyCertificate.certificate,
    'passwords.json': JSON.stringify({ try: hash }),
    ...changes,
  }
  for (const [name, content] of Object.entries(files)) {
    if (content !== undefined) await writeFile(join(directory, name), content)
  }
  return readCredentials(directory, { ...context, ...more })
}

describe('credentials', () => {
  test('that are right', async (t) => {
    const result = await read(t, {})
    assert.ok('credentials' in result)
    assert.deepEqual([...result.credentials.passwords.keys()], ['try'])
    assert.match(result.credentials.proxyCertificate?.subject ?? '', /skerry-proxy/)
  })

  test('need no proxy where nothing listens for it', async (t) => {
    assert.ok('credentials' in (await read(t, { 'proxy.crt': undefined }, { isProxyNeeded: false })))
    assert.ok('mistakes' in (await read(t, { 'proxy.crt': undefined })))
  })

  const wrong: [string, Record<string, string | undefined>, RegExp][] = [
    ['a missing file', { 'broker.key': undefined }, /^broker\.key cannot be read .*ENOENT/],
    ['no certificate', { 'broker.crt': 'nonsense' }, /^broker\.crt does not hold a certificate/],
    [
      'a certificate for another name',
      { 'broker.crt': adminCertificate.certificate, 'broker.key': adminCertificate.privateKey },
      /^broker\.crt is not for SKERRY_HOSTNAME=localhost/,
    ],
    [
      'the key of another certificate',
      { 'broker.key': adminCertificate.privateKey },
      /^broker\.key is not the private key/,
    ],
    [
      'an authority that is none',
      { 'authorities.pem': adminCertificate.certificate },
      /^authorities\.pem holds a certificate that is no CA/,
    ],
    ['no authorities', { 'authorities.pem': '' }, /^authorities\.pem does not hold a certificate/],
    ['no JSON', { 'passwords.json': '{' }, /^passwords\.json is not a JSON object/],
    ['a list of passwords', { 'passwords.json': '["a"]' }, /^passwords\.json is not a JSON object/],
    ['a password in the clear', { 'passwords.json': '{"try": "secret"}' }, /^passwords\.json, user "try": not a hash/],
    [
      'a wrong username',
      { 'passwords.json': JSON.stringify({ 'a/b': hash }) },
      /^passwords\.json, user "a\/b": a username is/,
    ],
    ['the prototype as a user', { 'passwords.json': `{"__proto__": "${hash}"}` }, /user "__proto__": a username is/],
    [
      'an administrator with a password',
      { 'passwords.json': JSON.stringify({ admin: hash }) },
      /administrators have no password/,
    ],
  ]
  for (const [name, changes, expected] of wrong) {
    test(`with ${name} cannot be used`, async (t) => {
      const result = await read(t, changes)
      assert.ok('mistakes' in result)
      assert.ok(
        result.mistakes.some((mistake) => expected.test(mistake)),
        result.mistakes.join('\n'),
      )
      assert.doesNotMatch(result.mistakes.join(), /secret|PRIVATE|\$15/)
    })
  }
})

describe('password hashes', () => {
  test('fit their own password only, and differ each time', async () => {
    const parsed = parsePasswordHash(hash)
    assert.ok(parsed)
    assert.equal(await verifyPassword(Buffer.from('secret'), parsed), true)
    assert.equal(await verifyPassword(Buffer.from('secret '), parsed), false)
    assert.notEqual(await hashPassword(Buffer.from('secret')), hash)
  })

  test('of another form are refused', () => {
    const [, , , salt, key] = hash.split('$')
    const wrong = [
      '',
      'secret',
      `$scrypt$ln=14,r=8,p=1$${salt}$${key}`,
      `$argon2id$ln=15,r=8,p=1$${salt}$${key}`,
      `$scrypt$ln=15,r=8,p=1$${salt}`,
      `$scrypt$ln=15,r=8,p=1$$${key}`,
      `$scrypt$ln=15,r=8,p=1$${salt}$${key}$`,
      `$scrypt$ln=15,r=8,p=1$${salt}$${key?.slice(4)}`,
      `$scrypt$ln=15,r=8,p=1$${salt}$${key?.replace(/^./, '-')}`,
    ]
    for (const text of wrong) assert.equal(parsePasswordHash(text), undefined, text)
  })
})
