import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { instanceCgroup } from '../../sandbox/machine/cgroup.ts'
import { actOnServer } from '../cloud.ts'
import { eventually } from '../eventually.ts'
import { askPage, assertAllTalk, families, leave, type Visitor, visitAll } from '../families.ts'
import { instance, onServer, readStatus, tryToRun, up } from '../sandbox.ts'
import { assertRetained, retain } from './retained.ts'

const minute = 60_000

/** What can happen to a server while clients are connected. */
const days: Readonly<Record<string, () => Promise<unknown>>> = {
  'is rebooted by the cloud': () => actOnServer('reboot'),
  'reboots itself': () => onServer('systemctl reboot').catch(() => {}),
  'loses its power and gets it back': async () => {
    await actOnServer('poweroff')
    await actOnServer('poweron')
  },
  'is killed with all that runs on it, and started': async () => {
    const [group = ''] = globSync(join(await instanceCgroup(instance), 'guest-*'))
    await writeFile(join(group, 'cgroup.kill'), '1')
    await eventually(async () => assert.match(await readFile(join(group, 'cgroup.events'), 'utf8'), /populated 0/))
    await actOnServer('poweron')
  },
}

/** Everything comes back by itself, whatever happens to the server. */
export function badDays() {
  describe('a server that', { timeout: 6 * minute }, () => {
    for (const [day, happens] of Object.entries(days)) {
      test(`${day} is back by itself, with its clients and what they left`, async () => {
        const before = await bootId()
        const visitors = await visitAll({ reconnectPeriod: 200, connectTimeout: 3_000 })
        try {
          const back = Promise.all(visitors.map(returned))
          // Acknowledged, then the lights go out at once.
          await retain(`house/${day.replaceAll(' ', '-')}`, day)
          await happens()
          await back
          await assertAllTalk(visitors)
        } finally {
          await leave(visitors)
        }
        assert.notEqual(await bootId(), before)
        await assertRetained(`house/${day.replaceAll(' ', '-')}`, day)
        for (const family of families) assert.equal(await askPage(family), 200, `IPv${family}`)
        await eventually(async () => assert.equal(await systemState(), 'running'))
        assert.equal((await readStatus()).state, 'running')
      })
    }
  })
}

/** Needs the engine for itself. */
export function switchedOff() {
  describe('a server that has switched itself off', { timeout: 3 * minute }, () => {
    test('is on again after the next up', async () => {
      await onServer('systemctl poweroff').catch(() => {})
      await eventually(async () =>
        assert.match((await tryToRun(['status'])).stdout, /no server is on; npm run sandbox/),
      )
      await up()
      assert.equal((await readStatus()).state, 'running')
    })
  })
}

const bootId = () => onServer('cat /proc/sys/kernel/random/boot_id')

/** `running`, or the state with the units that failed. */
const systemState = () =>
  onServer('systemctl is-system-running || systemctl list-units --failed --no-legend --plain; true')

/** Resolves when the visitor has lost its connection and has come in again. */
function returned({ client, door, family }: Visitor): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${door} over IPv${family} did not come back in 90 s`)), 90_000)
    client.on('error', () => {})
    client.once('close', () =>
      client.once('connect', () => {
        clearTimeout(timer)
        resolve()
      }),
    )
  })
}
