import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { packArchive } from './archive.ts'

const files = [
  { path: 'apply', content: '#!/bin/sh\n', executable: true },
  { path: 'a/b', content: new Uint8Array([0, 255]) },
]

test('the order in which files are given changes nothing', async () => {
  assert.deepEqual(await packArchive(files, 0), await packArchive(files.toReversed(), 0))
})

test('nothing of the machine or the moment is in the archive', async () => {
  const archive = await packArchive(files, 0)
  assert.deepEqual([...archive.slice(4, 8)], [0, 0, 0, 0], 'the time in the gzip header')
  assert.equal(archive[9], 255, 'the operating system in the gzip header')
  for (const { header } of await unpack(archive)) {
    assert.deepEqual([header.mtime?.getTime(), header.uid, header.gid, header.uname, header.gname], [0, 0, 0, '', ''])
  }
})

test('contents and the right to execute come out as they went in', async () => {
  const [first, second] = await unpack(await packArchive(files, 6))
  assert.deepEqual([first?.header.name, first?.header.mode, [...(first?.content ?? [])]], ['a/b', 0o644, [0, 255]])
  assert.deepEqual([second?.header.name, second?.header.mode], ['apply', 0o755])
})

test('one changed byte makes another archive', async () => {
  const changed = [files[0], { path: 'a/b', content: new Uint8Array([1, 255]) }].filter((file) => file !== undefined)
  assert.notDeepEqual(await packArchive(files, 0), await packArchive(changed, 0))
})

async function unpack(archive: Uint8Array): Promise<{ header: Header; content: Buffer }[]> {
  const entries = extract()
  entries.end(gunzipSync(archive))
  const found = []
  for await (const entry of entries) found.push({ header: entry.header, content: await buffer(entry) })
  return found
}
