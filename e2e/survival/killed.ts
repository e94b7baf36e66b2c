import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { sandboxFiles } from '../../sandbox/files.ts'
import { instanceCgroup } from '../../sandbox/machine/cgroup.ts'
import { type Fault, faultsHappened, forgetFaults, plan } from '../cloud.ts'
import { leave, visitAll } from '../families.ts'
import { killUpWhen, releaseIsOnTheWay } from '../interruption.ts'
import { instance, run, tryToRun, up } from '../sandbox.ts'
import { changeSetting, failingUp, pendingOperations } from '../stack.ts'
import { destroy } from './end.ts'
import { followRemedies } from './remedies.ts'

const minute = 60_000

/** A moment of `up`: it is held there by an answer that never comes, or it is seen from outside. */
interface Moment {
  readonly hold?: Fault
  readonly hasCome?: () => Promise<unknown>
  /** A server is there that the engine does not know of: only an `up` sees that it is nobody's predecessor. */
  readonly leavesServer?: true
}

const held = (api: Fault['api'], method: string, path: string): Moment => ({
  hold: { api, method, path, answer: 'timeout' },
})

const onDisk = (...path: string[]) => globSync(join(instance.directory, ...path))

/** In the order in which they come while everything but the protected is made anew. */
const moments: Readonly<Record<string, Moment>> = {
  'the engine has taken the stack': {
    hasCome: async () => assert.notDeepEqual(onDisk('state', '.pulumi', 'locks', '**', '*.json'), []),
  },
  'Hetzner is asked what the token may do': held('hetzner', 'POST', '/v1/ssh_keys'),
  'a firewall is being made': held('hetzner', 'POST', '/v1/firewalls'),
  'Cloudflare is asked what the token may do': held('cloudflare', 'POST', '/client/v4/zones/*/dns_records'),
  'the server is being ordered': held('hetzner', 'POST', '/v1/servers'),
  'the server boots, which the engine does not know yet': {
    hasCome: async () => {
      const group = join(await instanceCgroup(instance), 'guest-*', 'machine', 'payload', 'init.scope')
      assert.notDeepEqual(globSync(group), [])
    },
    leavesServer: true,
  },
  'the volume is being attached': held('hetzner', 'POST', '/v1/volumes/*/actions/attach'),
  'the release is on the way': { hasCome: releaseIsOnTheWay },
  'the release is being applied': {
    hasCome: async () => assert.notDeepEqual(onDisk('servers', '*', 'upper', 'etc', 'skerry', 'made', '*'), []),
  },
}

export function killed() {
  describe('an up that is killed when', { timeout: 12 * minute }, () => {
    after(forgetFaults)

    test('nothing but the protected is there: so it begins', destroy)

    for (const [name, moment] of Object.entries(moments)) {
      test(`${name}: the state is in order again after the documented commands`, async () => {
        await killAt(moment)
        await mend()
        if (moment.leavesServer) await followRemedies(await failingUp())
      })
    }

    test('and after nine of them the next one stands by itself', standsAgain)

    test('the server is being deleted for the next generation: the next one goes through', async () => {
      await changeSetting('skerry:generation', '3')
      await killAt(held('hetzner', 'DELETE', '/v1/servers/*'))
      await mend()
      await standsAgain()
    })
  })
}

async function standsAgain(): Promise<void> {
  await up()
  await leave(await visitAll())
  await run(['pulumi', 'preview', '--expect-no-changes'])
}

async function killAt({ hold, hasCome = faultsHappened }: Moment): Promise<void> {
  if (hold) await plan(hold)
  await killUpWhen(hasCome)
  // It will never come back for it: no need to wait until the lock is stale.
  await rm(sandboxFiles(instance).lock, { recursive: true, force: true })
}

/**
 * As docs/existing-world.md says: `pulumi cancel` frees the stack, `pulumi refresh` looks at what has become of what was
 * begun, and a preview names what was made and is not remembered, with what to do.
 */
async function mend(): Promise<void> {
  await run(['pulumi', 'cancel', '--yes'])
  if ((await pendingOperations()).length > 0) {
    await run(['pulumi', 'refresh', '--yes', '--skip-preview', '--clear-pending-creates'])
  }
  assert.deepEqual(await pendingOperations(), [])
  const { exitCode, output } = await tryToRun(['pulumi', 'preview'])
  if (exitCode !== 0) {
    await followRemedies(output)
    await run(['pulumi', 'preview'])
  }
}
