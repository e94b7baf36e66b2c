import { execa } from 'execa'

/** What a check found. Not run is not a pass: it says why, and what would let it run. */
export type Outcome =
  | { readonly kind: 'passed'; readonly note?: string }
  | { readonly kind: 'failed'; readonly output: string }
  | { readonly kind: 'not run'; readonly reason: string; readonly remedy: string }

/** Thrown where a check cannot run here; it becomes the outcome `not run`. */
export class NotRun extends Error {
  readonly remedy: string

  constructor(reason: string, remedy: string) {
    super(reason)
    this.remedy = remedy
  }
}

export const passed: Outcome = { kind: 'passed' }

export function failed(output: string): Outcome {
  return { kind: 'failed', output }
}

const projectDirectory = new URL('../..', import.meta.url).pathname

/**
 * Runs a checker; its exit status is the verdict and what it printed is shown when it failed.
 *
 * @param directory where it works
 * @param argv the command, from this project's packages or PATH, and its arguments
 * @param input what it reads on standard input
 * @throws Error when the command cannot be started
 */
export async function runChecker(
  directory: string,
  [command, ...args]: readonly [string, ...string[]],
  input = '',
): Promise<Outcome> {
  const result = await execa(command, args, {
    cwd: directory,
    localDir: projectDirectory,
    preferLocal: true,
    reject: false,
    all: true,
    input,
    maxBuffer: 10_000_000,
    timeout: 300_000,
    env: { NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  if (result.exitCode === 0) return passed
  if (result.exitCode === undefined) throw new Error(`${command}: ${result.originalMessage ?? result.shortMessage}`)
  return failed(result.all.trim() || `${command} ended with exit status ${result.exitCode} and said nothing`)
}
