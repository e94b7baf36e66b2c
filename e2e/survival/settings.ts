import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { execa } from 'execa'
import { checkout, instance } from '../sandbox.ts'

const minute = 60_000

/** @param copy a copy of this tree, for the documentation to be made in */
export function settings(copy: () => string) {
  describe('the table of settings in the documentation', { timeout: 8 * minute }, () => {
    test('says what previews of each of them, changed alone, say', async () => {
      const { exitCode, all } = await execa(process.execPath, ['infra/changes.ts'], {
        ...{ cwd: copy(), env: { SKERRY_SANDBOX: String(instance.number), NO_COLOR: '1' } },
        ...{ stdin: 'ignore', all: true, reject: false },
      })
      assert.equal(exitCode, 0, all)
      const [made, documented] = await Promise.all([copy(), checkout].map(readTable))
      assert.ok(made && made.length > 10)
      assert.deepEqual(made, documented)
    })
  })
}

/** Its rows, however wide their columns are. */
async function readTable(tree: string): Promise<readonly string[]> {
  const lines = (await readFile(join(tree, 'docs', 'changes.md'), 'utf8')).split('\n')
  return lines.filter((line) => line.startsWith('| `')).map((row) => row.replaceAll(/ +/g, ' '))
}
