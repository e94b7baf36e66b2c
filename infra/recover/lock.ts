import { hostname } from 'node:os'
import { execa } from 'execa'
import { type Engine, required } from './engine.ts'
import type { Holder, LockedError } from './locked-error.ts'

/**
 * Finds out whether an update has the stack: a refresh of the stack alone, of which only the preview is made, needs it
 * and changes nothing.
 *
 * @param stackUrn absent while there is nothing in the state
 * @throws LockedError when one has it
 */
export async function requireFree(engine: Engine, stackUrn: string | undefined): Promise<void> {
  const target = stackUrn === undefined ? [] : ['--target', stackUrn]
  await required(engine, ['refresh', '--preview-only', '--skip-pending-creates', '--suppress-outputs', ...target])
}

/**
 * Frees the stack of an update that was killed.
 *
 * @throws Error when that update runs, or nobody can tell and it is not said that it was killed
 */
export async function free(
  { engine, say, consent }: { engine: Engine; say(text: string): void; consent(question: string): Promise<boolean> },
  { holders }: LockedError,
): Promise<void> {
  const states = await Promise.all(holders.map(runs))
  const running = holders.find((_, index) => states[index] === true)
  if (running) {
    throw new Error(
      `An update runs and has the stack (${described(running)}): wait until it ends. Where it hangs: kill ${running.pid}, and run this again.`,
    )
  }
  const isGone = holders.length > 0 && states.every((state) => state === false)
  const by = holders.length > 0 ? holders.map(described).join(', ') : 'Pulumi Cloud does not say from where'
  if (!isGone && !(await consent(`An update has the stack (${by}). Was it killed?`))) {
    throw new Error(
      `An update has the stack (${by}), and from here nobody can tell whether it runs. When you are sure that it was killed, run this again with --yes.`,
    )
  }
  await required(engine, ['cancel', '--yes'])
  say(`The stack is free again; an update that was killed had it (${by}).`)
}

const described = ({ user, host, pid, since }: Holder) => `${user}@${host}, process ${pid}, since ${since}`

/** Whether the engine that has the stack runs: on another machine nobody can tell. */
async function runs({ host, pid }: Holder): Promise<boolean | 'unknown'> {
  if (host !== hostname()) return 'unknown'
  const { stdout, exitCode } = await execa('ps', ['-p', String(pid), '-o', 'stat=,comm='], { reject: false })
  if (exitCode === undefined) return 'unknown'
  // Another program may have got the number of one that is gone; Z is one that has ended, and nobody has asked how.
  return stdout.includes('pulumi') && !stdout.startsWith('Z')
}
