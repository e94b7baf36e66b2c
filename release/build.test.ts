import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { buildRelease } from './build.ts'
import { exampleSettings } from './test-support.ts'

const built = await buildRelease(exampleSettings)

test('the same settings give the same archives', async () => {
  assert.deepEqual(await buildRelease(exampleSettings), built)
})

test('the hash in the answer is that of the file', async () => {
  for (const { hash, path } of [built.release, built.runtime]) {
    assert.equal(
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
      hash,
    )
  }
})

test('other settings make another release and keep the runtime', async () => {
  const other = await buildRelease({ ...exampleSettings, administrators: ['admin', 'alice'] })
  assert.notEqual(other.release.hash, built.release.hash)
  assert.deepEqual(other.runtime, built.runtime)
})

test('the release holds what the launcher and the units call, and nothing of this machine', async () => {
  const files = await unpack(built.release.path)
  for (const path of [
    'apply',
    'broker.mjs',
    'health.mjs',
    'secrets.mjs',
    'manifest.json',
    'acme.mjs',
    'status.mjs',
    'acme/deployed',
  ]) {
    assert.ok(files.get(path), path)
  }
  const root = new URL('../', import.meta.url).pathname
  for (const [path, content] of files) assert.equal(content.includes(root), false, path)
  assert.deepEqual(JSON.parse(files.get('manifest.json') ?? ''), {
    settings: exampleSettings,
    node: built.runtime.version,
  })
})

test('a setting that does not fit builds nothing', async () => {
  await assert.rejects(buildRelease({ ...exampleSettings, hostname: 'not a name' }), /hostname "not a name"/)
})

async function unpack(path: string): Promise<Map<string, string>> {
  const entries = extract()
  entries.end(gunzipSync(await readFile(path)))
  const files = new Map<string, string>()
  for await (const entry of entries) files.set(entry.header.name, await text(entry))
  return files
}
