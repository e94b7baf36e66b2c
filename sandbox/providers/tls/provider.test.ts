import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { driveProvider } from '../driver.ts'
import { type Properties, revealAll, secretNames } from '../values.ts'
import { isReadyForRenewal } from './certificate.ts'
import { tlsProvider } from './provider.ts'

const run = promisify(execFile)
const kinds: readonly Properties[] = [
  { algorithm: 'ED25519' },
  { algorithm: 'ECDSA', ecdsaCurve: 'P256' },
  { algorithm: 'ECDSA', ecdsaCurve: 'P384' },
  { algorithm: 'RSA', rsaBits: 2048 },
]
const nameOf = (kind: Properties) => [kind.algorithm, kind.ecdsaCurve ?? kind.rsaBits].filter(Boolean).join(' ')

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-tls-test-'))
})
after(() => rm(directory, { recursive: true, force: true }))

async function file(name: string, content: unknown): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, String(content), { mode: 0o600 })
  return path
}

/** Checks and creates as the engine does. */
async function make(
  resource: string,
  inputs: Properties,
): Promise<{ id: string; outputs: Properties; secrets: string[]; checked: Properties }> {
  const provider = await driveProvider(
    tlsProvider,
    `tls:index/${resource[0]?.toLowerCase()}${resource.slice(1)}:${resource}`,
  )
  try {
    const { inputs: checked, failures } = await provider.check(inputs)
    assert.deepEqual(failures, [])
    const { id, outputs } = await provider.create(checked)
    return { id, outputs: revealAll(outputs), secrets: secretNames(outputs).sort(), checked }
  } finally {
    provider.close()
  }
}

const drive = (resource: string) =>
  driveProvider(tlsProvider, `tls:index/${resource[0]?.toLowerCase()}${resource.slice(1)}:${resource}`)

describe('tls.PrivateKey', () => {
  for (const kind of kinds) {
    test(`${nameOf(kind)} has all its forms, which belong together`, async () => {
      const { outputs, secrets } = await make('PrivateKey', kind)
      assert.deepEqual(secrets, ['privateKeyOpenssh', 'privateKeyPem', 'privateKeyPemPkcs8'])
      const key = createPrivateKey(String(outputs.privateKeyPem))
      assert.ok(key.equals(createPrivateKey(String(outputs.privateKeyPemPkcs8))))
      assert.ok(createPublicKey(key).equals(createPublicKey(String(outputs.publicKeyPem))))
      assert.match(
        String(outputs.privateKeyPem),
        { RSA: /BEGIN RSA PRIVATE/, ECDSA: /BEGIN EC PRIVATE/, ED25519: /BEGIN PRIVATE/ }[String(kind.algorithm)] ??
          /^$/,
      )
      // OpenSSH reads its form and finds the same key in it.
      const path = await file(`key-${nameOf(kind)}`, outputs.privateKeyOpenssh)
      assert.equal((await run('ssh-keygen', ['-y', '-f', path])).stdout.trim(), String(outputs.publicKeyOpenssh).trim())
      const list = async (hash: string) =>
        (await run('ssh-keygen', ['-l', '-E', hash, '-f', path])).stdout.split(' ')[1]
      assert.equal(await list('sha256'), outputs.publicKeyFingerprintSha256)
      assert.equal(await list('md5'), `MD5:${outputs.publicKeyFingerprintMd5}`)
      const signature = sign(null, Buffer.from('x'), key)
      assert.ok(verify(null, Buffer.from('x'), String(outputs.publicKeyPem), signature))
    })
  }

  test('on P224, which OpenSSH does not know, has no such form', async () => {
    const { outputs } = await make('PrivateKey', { algorithm: 'ECDSA' })
    assert.equal(outputs.ecdsaCurve, 'P224')
    assert.equal(outputs.privateKeyOpenssh, '')
    assert.equal(createPrivateKey(String(outputs.privateKeyPem)).asymmetricKeyDetails?.namedCurve, 'secp224r1')
  })

  test('in a preview tells no value, and keeps even the unknown ones secret', async () => {
    const provider = await drive('PrivateKey')
    try {
      const { outputs } = await provider.create({ algorithm: 'ED25519' }, true)
      assert.deepEqual(secretNames(outputs).sort(), ['privateKeyOpenssh', 'privateKeyPem', 'privateKeyPemPkcs8'])
      assert.equal(revealAll(outputs).publicKeyPem, '04da6b54-80e4-46f7-96ec-b56ff0331ba9')
    } finally {
      provider.close()
    }
  })

  test('is replaced by another algorithm, and a wrong one is named', async () => {
    const provider = await drive('PrivateKey')
    try {
      const { inputs } = await provider.check({ algorithm: 'ED25519' })
      const diff = await provider.diff('1', inputs, { ...inputs, algorithm: 'RSA' })
      assert.deepEqual([diff.replaces, diff.deleteBeforeReplace], [['algorithm'], false])
      assert.match(
        (await provider.check({ algorithm: 'DSA' })).failures.join(),
        /^algorithm: must be one of ECDSA, ED25519, RSA$/,
      )
    } finally {
      provider.close()
    }
  })
})

describe('tls certificates', () => {
  async function chain(kind: Properties) {
    const [rootKey, issuingKey, leafKey] = await Promise.all(
      [1, 2, 3].map(async () => (await make('PrivateKey', kind)).outputs),
    )
    assert.ok(rootKey && issuingKey && leafKey)
    const authority = { allowedUses: ['cert_signing', 'crl_signing'], isCaCertificate: true, setSubjectKeyId: true }
    const root = await make('SelfSignedCert', {
      ...authority,
      privateKeyPem: rootKey.privateKeyPem ?? '',
      subject: { commonName: 'Root', organization: 'Skerry' },
      maxPathLength: 1,
      validityPeriodHours: 48,
    })
    const issuingRequest = await make('CertRequest', {
      privateKeyPem: issuingKey.privateKeyPem ?? '',
      subject: { commonName: 'Issuing' },
    })
    const issuing = await make('LocallySignedCert', {
      ...authority,
      caPrivateKeyPem: rootKey.privateKeyPem ?? '',
      caCertPem: root.outputs.certPem ?? '',
      certRequestPem: issuingRequest.outputs.certRequestPem ?? '',
      maxPathLength: 0,
      validityPeriodHours: 36,
    })
    const request = await make('CertRequest', {
      privateKeyPem: leafKey.privateKeyPem ?? '',
      subject: { commonName: 'mqtt.skerry.test' },
      dnsNames: ['mqtt.skerry.test', 'localhost'],
      ipAddresses: ['127.0.0.1', '::1'],
    })
    const leafInputs: Properties = {
      caPrivateKeyPem: issuingKey.privateKeyPem ?? '',
      caCertPem: issuing.outputs.certPem ?? '',
      certRequestPem: request.outputs.certRequestPem ?? '',
      allowedUses: ['digital_signature', 'server_auth'],
      validityPeriodHours: 24,
    }
    return { root, issuing, request, leafInputs, leaf: await make('LocallySignedCert', leafInputs), leafKey, rootKey }
  }

  for (const kind of kinds) {
    test(`with ${nameOf(kind)} are a chain that openssl and Node accept`, async () => {
      const { root, issuing, leaf, leafKey, request } = await chain(kind)
      const [rootFile, issuingFile, leafFile, requestFile] = await Promise.all([
        file('root.pem', root.outputs.certPem),
        file('issuing.pem', issuing.outputs.certPem),
        file('leaf.pem', leaf.outputs.certPem),
        file('request.pem', request.outputs.certRequestPem),
      ])
      const checks = [
        '-x509_strict',
        '-verify_ip',
        '127.0.0.1',
        '-CAfile',
        rootFile,
        '-untrusted',
        issuingFile,
        leafFile,
      ]
      await run('openssl', ['verify', '-purpose', 'sslserver', ...checks])
      await assert.rejects(run('openssl', ['verify', '-purpose', 'sslclient', ...checks]), 'no client certificate')
      await run('openssl', ['req', '-verify', '-noout', '-in', requestFile])
      const certificate = new X509Certificate(String(leaf.outputs.certPem))
      assert.ok(certificate.verify(new X509Certificate(String(issuing.outputs.certPem)).publicKey))
      assert.ok(certificate.checkPrivateKey(createPrivateKey(String(leafKey.privateKeyPem))))
      assert.equal(
        certificate.subjectAltName,
        'DNS:mqtt.skerry.test, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
      )
      assert.equal(certificate.ca, false)
      assert.equal(BigInt(`0x${certificate.serialNumber}`).toString(), leaf.id)
      assert.equal(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom), 24 * 3_600_000)
      assert.equal(Date.parse(certificate.validTo), Date.parse(String(leaf.outputs.validityEndTime)))
      assert.ok(!String(leaf.outputs.certPem).includes('\r'))
    })
  }

  test('carry path lengths, zero too, and the names in their order', async () => {
    const { root, issuing } = await chain({ algorithm: 'ED25519' })
    const text = async (name: string, pem: unknown) =>
      (await run('openssl', ['x509', '-noout', '-text', '-in', await file(name, pem)])).stdout
    assert.match(await text('a.pem', root.outputs.certPem), /CA:TRUE, pathlen:1[\s\S]*Subject Key Identifier/)
    const issuingText = await text('b.pem', issuing.outputs.certPem)
    assert.match(issuingText, /Key Usage: critical\s+Certificate Sign, CRL Sign/)
    assert.match(issuingText, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/)
    assert.match(issuingText, /Authority Key Identifier/)
    assert.match(issuingText, /Issuer: O = Skerry, CN = Root/)
  })

  test('keep the keys that they are made with secret', async () => {
    const { root, leaf, request } = await chain({ algorithm: 'ED25519' })
    assert.deepEqual(root.secrets, ['privateKeyPem'])
    assert.deepEqual(request.secrets, ['privateKeyPem'])
    assert.deepEqual(leaf.secrets, ['caPrivateKeyPem'])
  })

  test('are not made with a key that does not belong to the authority, nor from a forged request', async () => {
    const { leafInputs, rootKey } = await chain({ algorithm: 'ED25519' })
    await assert.rejects(
      make('LocallySignedCert', { ...leafInputs, caPrivateKeyPem: rootKey.privateKeyPem ?? '' }),
      /does not belong/,
    )
    const pem = String(leafInputs.certRequestPem).split('\n')
    const body = Buffer.from(pem.slice(1, -2).join(''), 'base64')
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1
    const forged = [pem[0], body.toString('base64'), '-----END CERTIFICATE REQUEST-----', ''].join('\n')
    await assert.rejects(
      make('LocallySignedCert', { ...leafInputs, certRequestPem: forged }),
      /not signed by its own key/,
    )
    await assert.rejects(
      make('LocallySignedCert', { ...leafInputs, caPrivateKeyPem: 'SECRETTEXT' }),
      (error: Error) => {
        assert.match(error.message, /"caPrivateKeyPem" is no private key/)
        return !error.message.includes('SECRETTEXT')
      },
    )
  })

  test('are replaced when the early renewal has come, not a moment before', async () => {
    const outputs = { validityEndTime: '2030-01-02T00:00:00Z' }
    const at = (time: string) => isReadyForRenewal(outputs, { earlyRenewalHours: 24 }, Date.parse(time))
    assert.equal(at('2029-12-31T23:59:59Z'), false)
    assert.equal(at('2030-01-01T00:00:00Z'), true)
    assert.equal(isReadyForRenewal(outputs, { earlyRenewalHours: 0 }, Date.parse('2030-01-01T23:59:59Z')), false)
    const provider = await drive('LocallySignedCert')
    try {
      const inputs: Properties = { validityPeriodHours: 24, earlyRenewalHours: 25 }
      const valid = { validityEndTime: new Date(Date.now() + 24 * 3_600_000).toISOString() }
      const diff = await provider.diff('1', inputs, inputs, valid)
      assert.deepEqual(diff.details, { readyForRenewal: 'UPDATE_REPLACE' })
      const later = await provider.diff('1', inputs, { ...inputs, earlyRenewalHours: 1 }, valid)
      assert.deepEqual(later.details, { earlyRenewalHours: 'UPDATE' })
      assert.equal((await provider.read('1', inputs, valid)).outputs.readyForRenewal, true)
    } finally {
      provider.close()
    }
  })

  test('name an unknown use', async () => {
    const provider = await drive('SelfSignedCert')
    try {
      const { failures } = await provider.check({ allowedUses: ['serverAuth', 'server_auth'], validityPeriodHours: -1 })
      assert.deepEqual(failures, [
        'allowedUses: "serverAuth" is no known use',
        'validityPeriodHours: must be 0 or more',
      ])
    } finally {
      provider.close()
    }
  })
})
