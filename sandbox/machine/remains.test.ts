import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sandboxInstance } from '../instance.ts'
import { mountsBelow } from './remains.ts'

test("mounts of a sandbox are told from its neighbour's, the latest first", () => {
  const mountinfo = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
90 22 0:50 / /var/tmp/skerry1/servers/5/root rw - overlay overlay rw
91 90 0:51 / /var/tmp/skerry1/servers/5/root/proc rw - proc proc rw
92 22 0:52 / /var/tmp/skerry10/servers/5/root rw - overlay overlay rw
93 22 0:53 / /var/tmp rw - tmpfs tmpfs rw
`
  assert.deepEqual(mountsBelow(mountinfo, sandboxInstance(1)), [
    '/var/tmp/skerry1/servers/5/root/proc',
    '/var/tmp/skerry1/servers/5/root',
  ])
  assert.deepEqual(mountsBelow(mountinfo, sandboxInstance(2)), [])
})
