import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sandboxFiles } from '../../sandbox/files.ts'
import { resolvedAddresses, theServer } from '../cloud.ts'
import { type Family, families, leave, visit } from '../families.ts'
import { instance, onServer, run, sandbox, up } from '../sandbox.ts'
import { publicCertificate } from '../web.ts'
import { assertRetained, retain } from './retained.ts'

const minute = 60_000

/** Another generation of the server, and with it what only a new server takes: the image. */
export function generation() {
  describe('one generation more', { timeout: 5 * minute }, () => {
    test('replaces the server and what hangs on it, and nothing that clients know', async () => {
      const { caFile, adminCertificateFile, adminKeyFile } = sandbox()
      const before = await lasting()
      const { id } = await theServer()
      const cert = await readFile(adminCertificateFile, 'utf8')
      const key = await readFile(adminKeyFile, 'utf8')
      await retain('house/generation', 'from the server before')
      const orders = await ordersOfCertificates()

      await run(['pulumi', 'config', 'set', 'skerry:generation', '2'])
      const { stdout } = await run(['pulumi', 'preview', '--json'])
      const { changeSummary, steps } = JSON.parse(stdout) as Preview
      const replaced = steps.filter(({ op }) => op === 'replace').map(({ urn }) => urn.split('$').at(-1))
      assert.deepEqual(replaced.sort(), replacedResources)
      assert.deepEqual(Object.keys(changeSummary).sort(), ['replace', 'same'])
      await up()

      assert.notEqual((await theServer()).id, id)
      assert.deepEqual(await lasting(), before)
      assert.equal(await readFile(caFile, 'utf8'), before.authority)
      await assertRetained('house/generation', 'from the server before')
      for (const family of families) await leave([await visit('mqtts', family, { cert, key })])
      assert.equal(await ordersOfCertificates(), orders)
      await run(['pulumi', 'preview', '--expect-no-changes'])
    })

    test('has made it the image that the settings say, with the data of the one before', async () => {
      assert.equal((await theServer()).image.name, 'debian-13')
      assert.match(await onServer('findmnt --noheadings --output SOURCE --target /var/lib/skerry'), /^\/dev\//)
    })
  })
}

interface Preview {
  readonly changeSummary: Readonly<Record<string, number>>
  readonly steps: readonly { readonly op: string; readonly urn: string }[]
}

/** What hangs on the machine: the volume is plugged in again, the release is put on it anew. */
const replacedResources = [
  'command:remote:Command::apply',
  'command:remote:Command::cloud-init',
  'command:remote:CopyToRemote::release',
  'command:remote:CopyToRemote::runtime',
  'hcloud:index/server:Server::server',
  'hcloud:index/volumeAttachment:VolumeAttachment::data',
]

/** What clients have seen of the stack, and must find again. */
async function lasting() {
  const addresses: Record<Family, string> = await resolvedAddresses()
  const { serialNumber } = await publicCertificate()
  const [hostKey, authority] = await Promise.all([
    readFile(sandboxFiles(instance).knownHosts, 'utf8'),
    readFile(sandbox().caFile, 'utf8'),
  ])
  return { addresses, serialNumber, hostKey, authority }
}

/** How many certificates the ACME server was asked for. */
async function ordersOfCertificates(): Promise<number> {
  const orders = (await readFile(join(instance.directory, 'acme.log'), 'utf8')).match(/ Added order /g)
  assert.ok(orders, 'the ACME server tells no orders')
  return orders.length
}
