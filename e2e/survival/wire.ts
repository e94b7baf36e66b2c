import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { changedCheckout } from '../checkout.ts'
import { actOnServer, resolvedAddresses } from '../cloud.ts'
import { leave, visitAll } from '../families.ts'
import { releaseIsOnTheWay } from '../interruption.ts'
import { filterPackets, letPacketsPass } from '../packets.ts'
import { instance, onServer, run, tryToRun } from '../sandbox.ts'
import { pendingOperations, update } from '../stack.ts'

const minute = 60_000
const megabyte = 1_000_000

/** What can happen between the engine and the server. */
export function wire() {
  describe('a release that does not reach the server', { timeout: 8 * minute }, () => {
    test('because SSH is out of reach: it says so, clients notice nothing, and the next up goes through', async () => {
      await using changed = await changedCheckout(`console.error('to a server out of reach')`)
      const visitors = await visitAll()
      try {
        await resetSsh(0)
        const { exitCode, output } = await tryToRun([], { checkout: changed.path })
        assert.ok(exitCode)
        const { 4: address } = await resolvedAddresses()
        assert.match(output, new RegExp(`No SSH connection to deploy@${address.replaceAll('.', '\\.')} port 22`))
        assert.deepEqual(await pendingOperations(), [])
        assert.ok(visitors.every(({ client }) => client.connected))
      } finally {
        await letPacketsPass()
        await leave(visitors)
      }
      await run([], { checkout: changed.path })
    })

    test('because the connection breaks in the middle of the copy: the same', async () => {
      await using changed = await changedCheckout(`console.error('cut off in the middle')`)
      const before = await onServer('readlink /opt/skerry/current')
      try {
        await resetSsh(megabyte)
        const { exitCode, output } = await tryToRun([], { checkout: changed.path })
        assert.ok(exitCode, 'the copy came through')
        assert.match(output, /The connection to \S+ was lost while \S+ was copied/)
      } finally {
        await letPacketsPass()
      }
      await releaseIsOnTheWay()
      assert.deepEqual(await pendingOperations(), [])
      assert.equal(await onServer('readlink /opt/skerry/current'), before)
      await run([], { checkout: changed.path })
      assert.notEqual(await onServer('readlink /opt/skerry/current'), before)
    })

    test('because the power goes before it is applied: the command that is told copies it again', async () => {
      await using changed = await changedCheckout(`console.error('gone with the power')`)
      // The launcher waits for its lock, so that the moment between the copy and its use lasts.
      await onServer('systemd-run --quiet flock /run/skerry-release.lock sleep infinity')
      const interrupted = tryToRun([], { checkout: changed.path })
      await onServer(`timeout 100 bash -c 'until pgrep --full "[s]kerry-release apply" >/dev/null; do sleep 0.2; done'`)
      await actOnServer('poweroff')
      const copies = globSync(join(instance.directory, 'servers', '*', 'upper', 'var', 'lib', 'skerry-incoming', '*'))
      assert.equal(copies.length, 1)
      for (const copy of copies) await rm(copy)
      await actOnServer('poweron')
      assert.ok((await interrupted).exitCode)
      assert.deepEqual(await pendingOperations(), [])

      const { exitCode, output } = await tryToRun([], { checkout: changed.path })
      assert.ok(exitCode)
      const [, told = ''] = /is not there: upload it, with pulumi up --replace '(\S+)'/.exec(output) ?? []
      await run([...update, '--replace', told], { checkout: changed.path })
      await run([], { checkout: changed.path })
      await run(['pulumi', 'preview', '--expect-no-changes'], { checkout: changed.path })
    })
  })
}

/** Once so many bytes have gone to SSH, every connection there is reset. */
const resetSsh = (bytes: number) =>
  filterPackets('output', `ip daddr ${instance.network} tcp dport 22 quota over ${bytes} bytes reject with tcp reset`)
