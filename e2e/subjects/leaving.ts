import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cloudAnswers } from '../../sandbox/daemon.ts'
import { instanceCgroup } from '../../sandbox/machine/cgroup.ts'
import { leftovers } from '../../sandbox/machine/sweep.ts'
import { killUpWhen, releaseIsOnTheWay } from '../interruption.ts'
import { down, instance, run } from '../sandbox.ts'

/** Moments of `npm run sandbox`, each with what tells from outside that it has come. */
const moments: Readonly<Record<string, () => Promise<unknown>>> = {
  'its cloud has started': async () => assert.ok(await cloudAnswers(instance)),
  'its server boots': async () => {
    const group = join(await instanceCgroup(instance), 'guest-*', 'machine', 'payload', 'init.scope')
    assert.notDeepEqual(globSync(group), [])
  },
  'its release is on the way': releaseIsOnTheWay,
}

const minute = 60_000

export function leaving() {
  describe('leaving', { timeout: 12 * minute }, () => {
    const shared = process.env.TMPDIR
    let temporary: string
    before(async () => {
      temporary = await mkdtemp(join(tmpdir(), 'skerry-e2e-'))
      // Here, what a killed process leaves is seen.
      process.env.TMPDIR = temporary
    })
    after(async () => {
      if (shared === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = shared
      await rm(temporary, { recursive: true, force: true })
    })

    async function assertNothingLeft(): Promise<void> {
      assert.deepEqual(await leftovers(instance), [])
      assert.deepEqual(globSync(`${instance.directory}{,.*}`), [])
      assert.deepEqual(await readdir(temporary), [])
      assert.deepEqual(await processesOfInstance(), [])
      const hosts = await readFile('/etc/hosts', 'utf8')
      assert.ok(!hosts.split(/\s+/).includes(instance.hostname), `${instance.hostname} is still in /etc/hosts`)
    }

    test('destroy removes every resource, and down the cloud itself', async () => {
      await run(['pulumi', 'destroy', '--yes'])
      const { stdout } = await run(['pulumi', 'stack', 'export'])
      const { deployment } = JSON.parse(stdout) as { deployment: { resources?: { type: string; custom: boolean }[] } }
      assert.deepEqual(deployment.resources?.filter(({ custom }) => custom) ?? [], [])
      assert.deepEqual(globSync(join(await instanceCgroup(instance), 'guest-*')), [])
      await down()
      await assertNothingLeft()
    })

    for (const [moment, hasCome] of Object.entries(moments)) {
      test(`down removes what an up left that was killed when ${moment}`, async () => {
        await killUpWhen(hasCome)
        await down()
        await assertNothingLeft()
      })
    }

    test('down where nothing stands is fine', async () => {
      await down()
      await assertNothingLeft()
    })
  })
}

/** Processes of this host that were started for the instance: its directory is in their command line. */
async function processesOfInstance(): Promise<string[]> {
  const found: string[] = []
  for (const path of globSync('/proc/[0-9]*/cmdline')) {
    const commandLine = await readFile(path, 'utf8').catch(() => '')
    if (
      commandLine.split('\0').some((part) => part === instance.directory || part.includes(`${instance.directory}/`))
    ) {
      found.push(commandLine.replaceAll('\0', ' '))
    }
  }
  return found
}
