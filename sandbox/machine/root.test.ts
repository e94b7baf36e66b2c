import assert from 'node:assert/strict'
import { access, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { execa } from 'execa'

describe('a root directory in the cache', () => {
  let directory: string
  let root: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skerry-root-'))
    root = join(directory, 'root-1')
  })
  afterEach(async () => await rm(directory, { recursive: true }))

  async function make(builder: string): Promise<number | undefined> {
    const file = join(directory, 'builder.sh')
    await writeFile(file, `#!/bin/bash\nset -e\n${builder}\n`)
    await chmod(file, 0o755)
    const { exitCode } = await execa(join(import.meta.dirname, 'root.sh'), [root, file, 'given'], { reject: false })
    return exitCode
  }

  test('is made once, by its builder', async () => {
    assert.equal(await make('mkdir "$1/root"; echo "$2" >"$1/root/file"'), 0)
    assert.equal(await readFile(join(root, 'file'), 'utf8'), 'given\n')
    assert.equal(await make('exit 1'), 0)
    assert.deepEqual(await readdir(directory), ['builder.sh', 'root-1'])
  })

  test('is not there when its builder fails, and made anew by the next', async () => {
    assert.notEqual(await make('mkdir "$1/root"; touch "$1/root/half"; false'), 0)
    await assert.rejects(access(root), { code: 'ENOENT' })
    assert.equal(await make('mkdir "$1/root"; touch "$1/root/whole"'), 0)
    assert.deepEqual(await readdir(root), ['whole'])
  })
})
