import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { instanceCgroup } from '../../sandbox/machine/cgroup.ts'
import { leftovers } from '../../sandbox/machine/sweep.ts'
import { countAtHetzner } from '../cloud.ts'
import { down, instance, run, tryToRun } from '../sandbox.ts'
import { exportStack, nameOf } from '../stack.ts'

const minute = 60_000

/** Everything that gateways rely on: it survives a destroy. Authorities have numbers. */
const lasting = [/^data$/, /^ipv4$/, /^ipv6$/, /^issuing-ca-\d$/, /^root-ca-\d$/]

export function end() {
  describe('the end', { timeout: 3 * minute }, () => {
    test('destroy leaves what is protected, and says so where it is not told to', async () => {
      const refused = await tryToRun(['pulumi', 'destroy', '--yes', '--skip-preview'])
      assert.ok(refused.exitCode)
      assert.match(refused.output, /protect/)
      await destroy()
    })

    test('down leaves nothing, not even what is protected', async () => {
      await down()
      assert.deepEqual(await leftovers(instance), [])
      assert.deepEqual(globSync(`${instance.directory}{,.*}`), [])
    })
  })
}

/** Destroys what is not protected, as documented, and looks at what is left in the state and in the cloud. */
export async function destroy(): Promise<void> {
  await run(['pulumi', 'destroy', '--exclude-protected', '--yes', '--skip-preview'])
  const { resources = [] } = await exportStack()
  const kept = resources.filter(({ custom, type }) => custom && !type.startsWith('pulumi:'))
  const names = [...new Set(kept.map(nameOf))].sort()
  assert.deepEqual(
    lasting.map((name, index) => name.test(names[index] ?? '')),
    names.map(() => true),
    names.join(', '),
  )
  assert.ok(
    kept.every(({ protect }) => protect),
    'something is left that is not protected',
  )
  assert.deepEqual(await countAtHetzner(['servers', 'firewalls', 'ssh_keys', 'volumes', 'primary_ips']), {
    ...{ servers: 0, firewalls: 0, ssh_keys: 0 },
    ...{ volumes: 1, primary_ips: 2 },
  })
  assert.deepEqual(globSync(join(await instanceCgroup(instance), 'guest-*')), [])
}
