import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { families, leave, visit } from '../families.ts'
import { onServer, run, sandbox, up } from '../sandbox.ts'
import { exportStack, nameOf, pulumiUp } from '../stack.ts'

const minute = 60_000

/** A client's certificate and key, and the CA certificates that it trusts. */
interface Identity {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Another root, step by step as in docs/state.md. */
export function authorities() {
  describe('another root', { timeout: 6 * minute }, () => {
    let old: Identity
    let renewed: Identity
    let bothRoots = ''

    test('1. a second authority is trusted, and nobody notices', async () => {
      const { caFile, adminCertificateFile, adminKeyFile } = sandbox()
      const [ca = '', cert = '', key = ''] = await Promise.all(
        [caFile, adminCertificateFile, adminKeyFile].map((file) => readFile(file, 'utf8')),
      )
      old = { ca, cert, key }
      await list(1, 2)
      await upThatRestartsTheBrokerAlone()
      await assertAccepted(old)
    })

    test('2. devices get both roots', async () => {
      bothRoots = await stackOutput('caCertificate')
      assert.ok(bothRoots.startsWith(old.ca.trim()))
      assert.equal(bothRoots.match(/BEGIN CERTIFICATE/g)?.length, 2)
      await assertAccepted({ ...old, ca: bothRoots })
    })

    test('3. the new one signs; 4. old and new certificates are accepted meanwhile', async () => {
      await list(2, 1)
      await upThatRestartsTheBrokerAlone()
      const cert = await stackOutput('adminCertificate')
      assert.notEqual(cert, old.cert.trim())
      renewed = { ca: bothRoots, cert, key: await stackOutput('adminKey', '--show-secrets') }
      await assertAccepted(renewed)
      await assertAccepted({ ...old, ca: bothRoots })
      // Who has not got the second root by now no longer trusts the broker.
      await assert.rejects(visit('mqtts', 4, { ...old }), /unable to get local issuer certificate/)
    })

    test('5. the old one goes, and is accepted no more', async () => {
      await run(['pulumi', 'config', 'rm', '--path', 'skerry:authorities[1]'])
      await run(['pulumi', 'state', 'unprotect', '--all', '--yes'])
      await upThatRestartsTheBrokerAlone()
      const ca = await stackOutput('caCertificate')
      assert.equal(ca.match(/BEGIN CERTIFICATE/g)?.length, 1)
      await assertAccepted({ ...renewed, ca })
      for (const family of families) await assert.rejects(visit('mqtts', family, { ...old, ca }))
      const { resources = [] } = await exportStack()
      const kept = resources.filter(({ custom, protect }) => custom && protect).map(nameOf)
      assert.deepEqual([...new Set(kept)].sort(), ['data', 'ipv4', 'ipv6', 'issuing-ca-2', 'root-ca-2'])
      await up()
    })
  })
}

/** As in docs/state.md. */
async function list(...numbers: readonly number[]): Promise<void> {
  for (const [index, number] of numbers.entries()) {
    await run(['pulumi', 'config', 'set', '--path', `skerry:authorities[${index}]`, String(number)])
  }
}

const stackOutput = async (...parameters: readonly string[]) =>
  (await run(['pulumi', 'stack', 'output', ...parameters])).stdout.trim()

/** Over both kinds of addresses. */
async function assertAccepted(identity: Identity): Promise<void> {
  for (const family of families) await leave([await visit('mqtts', family, { ...identity })])
}

async function upThatRestartsTheBrokerAlone(): Promise<void> {
  const before = await processes()
  await pulumiUp()
  const now = await processes()
  assert.notEqual(now.broker, before.broker)
  assert.deepEqual({ ...now, broker: '' }, { ...before, broker: '' })
}

/** Numbers of the main processes, and the boot that they belong to. */
async function processes() {
  const services = ['skerry-broker', 'nginx', 'ssh']
  const output = await onServer(
    `systemctl show --property=MainPID --value ${services.join(' ')}; cat /proc/sys/kernel/random/boot_id`,
  )
  const [broker, nginx, ssh, boot] = output.split('\n').filter((line) => line !== '')
  return { broker, nginx, ssh, boot }
}
