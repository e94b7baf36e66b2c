import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'

/** Runs the script with a cloud-init that waits with this exit code. */
function wait(code: number) {
  const directory = mkdtempSync(join(tmpdir(), 'skerry-cloud-init-'))
  try {
    const command = join(directory, 'cloud-init')
    writeFileSync(command, `#!/bin/sh\n[ "$2" = --wait ] && exit ${code}\necho "detail: no such package"\n`)
    chmodSync(command, 0o755)
    const script = new URL('wait-for-cloud-init.sh', import.meta.url).pathname
    return spawnSync('sh', [script], { env: { PATH: `${directory}:/usr/bin:/bin` }, encoding: 'utf8' })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

for (const code of [0, 2]) {
  it(`goes on when cloud-init ends with ${code}`, () => {
    const { status, stdout, stderr } = wait(code)
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
  })
}

for (const code of [1, 3]) {
  it(`fails with the reason when cloud-init ends with ${code}`, () => {
    const { status, stderr } = wait(code)
    assert.equal(status, 1)
    assert.match(stderr, new RegExp(`did not prepare the server \\(exit code ${code}\\)`))
    assert.match(stderr, /detail: no such package/)
    assert.match(stderr, /log/)
  })
}
