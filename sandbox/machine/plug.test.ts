import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mountPointsOf } from './plug.ts'

test('where a device is mounted is read with every character of its name', () => {
  const mountinfo = `90 22 0:50 / / rw,relatime - overlay overlay rw
91 90 7:1 / /mnt/HC_Volume_7 rw,relatime shared:9 - ext4 /dev/disk/by-id/scsi-0HC_Volume_7 rw
92 90 7:11 / /mnt/other rw - ext4 /dev/disk/by-id/scsi-0HC_Volume_8 rw
93 90 7:1 /data /srv/with\\040space\\134 rw - ext4 /dev/disk/by-id/scsi-0HC_Volume_7 rw
`
  assert.deepEqual(mountPointsOf(mountinfo, '7:1'), ['/mnt/HC_Volume_7', '/srv/with space\\'])
  assert.deepEqual(mountPointsOf(mountinfo, '7:2'), [])
})
