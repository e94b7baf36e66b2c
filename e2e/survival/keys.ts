import assert from 'node:assert/strict'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { execa } from 'execa'
import { sandboxFiles } from '../../sandbox/files.ts'
import { resolvedAddresses, theServer } from '../cloud.ts'
import { leave, visitAll } from '../families.ts'
import { instance, run, sandbox, up } from '../sandbox.ts'
import { pulumiUp } from '../stack.ts'
import { assertRetained, retain } from './retained.ts'

const minute = 60_000

export function keys() {
  describe('other SSH keys', { timeout: 5 * minute }, () => {
    let directory: string
    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'skerry-e2e-'))
    })
    after(() => rm(directory, { recursive: true, force: true }))

    test('come with another generation of the server, and those of before are worth nothing', async () => {
      const { deployKey, knownHosts } = sandboxFiles(instance)
      const old = join(directory, 'deploy.key')
      await copyFile(deployKey, old)
      const before = { hosts: await readFile(knownHosts, 'utf8'), key: await readFile(old, 'utf8') }
      const [{ id }, addresses] = [await theServer(), await resolvedAddresses()]
      await retain('house/keys', 'from the server before')

      // As in docs/state.md; both at once.
      const { stdout: generation } = await run(['pulumi', 'config', 'get', 'skerry:generation'])
      await run(['pulumi', 'config', 'set', 'skerry:generation', String(Number(generation) + 1)])
      await pulumiUp('--replace', '**PrivateKey::host', '--replace', '**PrivateKey::deploy')
      await up()

      assert.notEqual((await theServer()).id, id)
      assert.deepEqual(await resolvedAddresses(), addresses)
      assert.notEqual(await readFile(knownHosts, 'utf8'), before.hosts)
      assert.notEqual(await readFile(deployKey, 'utf8'), before.key)
      const [program = '', ...parameters] = sandbox().sshCommand
      assert.equal((await execa(program, [...parameters, 'true'], { reject: false })).exitCode, 0)
      const withOld = parameters.map((part) => part.replace(deployKey, old))
      assert.notDeepEqual(withOld, parameters)
      assert.match((await execa(program, [...withOld, 'true'], { reject: false })).stderr, /Permission denied/)
      await assertRetained('house/keys', 'from the server before')
      await leave(await visitAll())
      await run(['pulumi', 'preview', '--expect-no-changes'])
    })
  })
}
