import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import type { Engine } from './engine.ts'
import { recover } from './recovery.ts'

const locked = (host: string, pid: number) => `error: the stack is currently locked by 1 lock(s). Either wait for the
other process(es) to end or delete the lock file with \`pulumi cancel\`.
  file:///state/locks/x.json: created by ops@${host} (pid ${pid}) at 2026-11-23T01:02:03Z`

const cloudBusy = 'error: [409] Conflict: Another update is currently in progress.'

interface World {
  /** Who has the stack; free again after a cancel. */
  lock?: string
  pending?: readonly object[]
  resources?: readonly { readonly outputs: object }[]
}

/** An engine with a state that a test gives, which does as the genuine one does with locks and pending operations. */
function engine(world: World) {
  const asked: string[] = []
  const ask: Engine = async (parameters) => {
    const command = parameters.slice(0, 2).join(' ')
    asked.push(command)
    if (command === 'cancel --yes') delete world.lock
    const needsLock = command.startsWith('refresh') || command === 'stack import'
    if (needsLock && world.lock) return { exitCode: 255, stdout: '', stderr: world.lock }
    if (command === 'stack import' || command === 'refresh --yes') world.pending = []
    if (command === 'refresh --yes')
      world.resources = (world.resources ?? []).map((one) => ({ ...one, outputs: { read: 1 } }))
    const deployment = { resources: world.resources ?? [], pending_operations: world.pending ?? [] }
    return { exitCode: 0, stdout: command === 'stack export' ? JSON.stringify({ deployment }) : '', stderr: '' }
  }
  return { ask, asked }
}

async function run(world: World, yes = false) {
  const { ask, asked } = engine(world)
  const said: string[] = []
  const questions: string[] = []
  const consent = async (question: string) => {
    questions.push(question)
    return yes
  }
  const outcome = await recover({ engine: ask, environment: {}, say: (text) => said.push(text), consent }).then(
    () => 'done',
    (error: Error) => error.message,
  )
  return { outcome, asked, said: said.join('\n'), questions }
}

it('a state in order is told and left as it is', async () => {
  const { outcome, said, asked } = await run({})
  assert.equal(outcome, 'done')
  assert.match(said, /the state is in order/)
  assert.deepEqual([...new Set(asked)], ['stack export', 'refresh --preview-only'])
})

it('what is in no cloud is forgotten and everything is read anew', async () => {
  const resource = { urn: 'urn:pulumi:p::s::command:remote:Command::apply', type: 'command:remote:Command' }
  const { outcome, said, asked } = await run({ pending: [{ type: 'creating', resource }] })
  assert.equal(outcome, 'done')
  assert.match(said, /Command apply: is nowhere but in the state/)
  assert.deepEqual(asked.slice(-3), ['stack import', 'refresh --yes', 'stack export'])
})

it('where an earlier run was killed before it had read what it took, that is made up for', async () => {
  const server = { urn: 'u', type: 'hcloud:index/server:Server', custom: true, id: '7', outputs: {} }
  const { outcome, asked } = await run({ resources: [server] })
  assert.equal(outcome, 'done')
  assert.deepEqual(asked.slice(-2), ['refresh --yes', 'stack export'])
})

it('the lock of a process of this machine that is gone is taken away without a question', async () => {
  // Of the greatest number that Linux gives none is running in a test.
  const { outcome, said, questions } = await run({ lock: locked(hostname(), 4_194_304) })
  assert.deepEqual([outcome, questions], ['done', []])
  assert.match(said, /is free again.*process 4194304/)
})

it('an update that runs on this machine is left alone, whatever is said', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-recover-'))
  const pulumi = join(directory, 'pulumi')
  await symlink('/bin/sleep', pulumi)
  const child = spawn(pulumi, ['60'])
  try {
    await once(child, 'spawn')
    const { outcome, asked } = await run({ lock: locked(hostname(), Number(child.pid)) }, true)
    assert.match(outcome, new RegExp(`An update runs .*kill ${child.pid}`))
    assert.ok(!asked.includes('cancel --yes'))
  } finally {
    child.kill()
    await rm(directory, { recursive: true })
  }
})

it("the number of a dead engine may be another program's by now", async () => {
  assert.equal((await run({ lock: locked(hostname(), process.pid) })).outcome, 'done')
})

it('whether an update elsewhere runs is asked, and without a yes nothing is touched', async () => {
  for (const lock of [locked('another-machine', 1), cloudBusy]) {
    const refused = await run({ lock })
    assert.match(refused.outcome, /run this again with --yes/)
    assert.equal(refused.questions.length, 1)
    assert.ok(!refused.asked.includes('cancel --yes'))
    assert.equal((await run({ lock }, true)).outcome, 'done')
  }
})

it('what the engine cannot do is told in its words', async () => {
  const failing: Engine = async () => ({ exitCode: 255, stdout: '', stderr: 'error: no stack selected' })
  const consent = async () => true
  await assert.rejects(recover({ engine: failing, environment: {}, say() {}, consent }), /no stack selected/)
})
