import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { execa } from 'execa'
import { changedCheckout } from '../checkout.ts'
import { resolvedAddresses } from '../cloud.ts'
import { leave, visitAll } from '../families.ts'
import { releaseIsOnTheWay } from '../interruption.ts'
import { instance, onServer, run, tryToRun } from '../sandbox.ts'
import { pendingOperations } from '../stack.ts'

const minute = 60_000
const megabyte = 1_000_000
const table = `inet ${instance.name}-e2e`

/** What can happen between the engine and the server. */
export function wire() {
  describe('a release that does not reach the server', { timeout: 5 * minute }, () => {
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
        await admitSsh()
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
        await admitSsh()
      }
      await releaseIsOnTheWay()
      assert.deepEqual(await pendingOperations(), [])
      assert.equal(await onServer('readlink /opt/skerry/current'), before)
      await run([], { checkout: changed.path })
      assert.notEqual(await onServer('readlink /opt/skerry/current'), before)
    })
  })
}

/** A rule of this host, in a table of its own: once so many bytes have gone to SSH, every connection there is reset. */
async function resetSsh(bytes: number): Promise<void> {
  const rules = [
    `add table ${table}`,
    `add chain ${table} out { type filter hook output priority 0 ; }`,
    `add rule ${table} out ip daddr ${instance.network} tcp dport 22 quota over ${bytes} bytes reject with tcp reset`,
  ]
  await execa('nft', ['-f', '-'], { input: `${rules.join('\n')}\n` })
}

async function admitSsh(): Promise<void> {
  // Adding first: removing what is not there would be an error.
  await execa('nft', ['-f', '-'], { input: `add table ${table}\ndelete table ${table}\n` })
}
