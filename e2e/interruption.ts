import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { eventually } from './eventually.ts'
import { checkout, instance, sandboxCommand } from './sandbox.ts'

/** Runs `npm run sandbox` and kills it, its engine and its providers when `hasCome` no longer throws. */
export async function killUpWhen(hasCome: () => Promise<unknown>, tree = checkout): Promise<void> {
  const { file, arguments: parameters, options } = sandboxCommand([], tree)
  const child = execa(file, parameters, { ...options, detached: true, all: true, reject: false })
  const { pid } = child
  assert.ok(pid)
  let ended = false
  const end = child.then((result) => {
    ended = true
    return result
  })
  try {
    await eventually(async () => {
      if (!ended) return hasCome()
    }, 300_000)
  } finally {
    if (!ended) process.kill(-pid, 'SIGKILL')
  }
  const { signal, all } = await end
  assert.equal(signal, 'SIGKILL', `it ended before the moment came:\n${all}`)
}

/** Throws until an archive has begun to arrive on the server. */
export async function releaseIsOnTheWay(): Promise<void> {
  const incoming = join(instance.directory, 'servers', '*', '**', 'var', 'lib', 'skerry-incoming', '*')
  assert.notDeepEqual(globSync(incoming), [])
}
