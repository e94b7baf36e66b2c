import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { leave, visitAll } from '../families.ts'
import { onServer } from '../sandbox.ts'
import { changeSetting, pulumiUp } from '../stack.ts'

const minute = 60_000
const gibibyte = 2 ** 30

export function volume() {
  describe('a volume that was made larger', { timeout: 3 * minute }, () => {
    test('is seen so by the server, while everything runs', async () => {
      assert.equal(await sizeOfDevice(), 10 * gibibyte)
      const visitors = await visitAll()
      try {
        await changeSetting('skerry:volumeSize', '20')
        await pulumiUp()
        assert.equal(await sizeOfDevice(), 20 * gibibyte)
        assert.ok(visitors.every(({ client }) => client.connected))
      } finally {
        await leave(visitors)
      }
    })

    test('has a file system that has grown with it', { skip: noGrowthBecause() }, async () => {
      // A part of it is its own.
      assert.ok((await sizeOfFileSystem()) > 19 * gibibyte)
    })
  })
}

const sizeOfDevice = async () => Number(await onServer('blockdev --getsize64 /dev/disk/by-id/scsi-0HC_Volume_*'))

const sizeOfFileSystem = async () =>
  Number(await onServer('df --block-size=1 --output=size /var/lib/skerry | tail -n 1'))

/** A server in the sandbox may do no more than this host. */
function noGrowthBecause(): string | undefined {
  const [, bounding = '0'] = /^CapBnd:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  // CAP_SYS_RESOURCE is the 24th of capabilities(7).
  const mayResize = (BigInt(`0x${bounding}`) >> 24n) & 1n
  return mayResize ? undefined : 'this host may not resize a mounted file system: it lacks CAP_SYS_RESOURCE'
}
