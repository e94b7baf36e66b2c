import { execa } from 'execa'
import { z } from 'zod'
import { lockedError } from './locked-error.ts'

export interface Outcome {
  /** Undefined when it was ended from outside. */
  readonly exitCode?: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs one command of the engine on the stack to its end, whatever that is.
 * @param input for its standard input
 */
export type Engine = (parameters: readonly string[], input?: string) => Promise<Outcome>

/** The engine on PATH. @param stack its name; without one, what `pulumi stack select` has chosen */
export function engineOnPath(stack: string | undefined, cwd: string): Engine {
  const chosen = stack === undefined ? [] : ['--stack', stack]
  return async (parameters, input = '') => {
    const result = await execa('pulumi', [...parameters, ...chosen], { cwd, input, reject: false })
    if ('code' in result && result.code === 'ENOENT') {
      throw new Error('There is no "pulumi" on the PATH: https://www.pulumi.com/docs/install')
    }
    return result
  }
}

/**
 * @returns its standard output
 * @throws LockedError when another update has the stack; Error with what the engine said when the command fails otherwise
 */
export async function required(engine: Engine, parameters: readonly string[], input?: string): Promise<string> {
  const outcome = await engine(parameters, input)
  if (outcome.exitCode === 0) return outcome.stdout
  const locked = lockedError(`${outcome.stdout}\n${outcome.stderr}`)
  throw locked ?? new Error(`pulumi ${parameters.slice(0, 2).join(' ')} failed:\n\n${spoken(outcome)}`)
}

/** What the engine said, for people: its last lines. */
function spoken({ stdout, stderr }: Outcome): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(Math.max(lines.indexOf('Diagnostics:'), -40)).join('\n')
}

const configuration = z.record(z.string(), z.looseObject({ value: z.string().optional() }))

/** The stack's configuration in plain text: key → value. */
export async function configurationOf(engine: Engine): Promise<Record<string, string>> {
  const { exitCode, stdout, stderr } = await engine(['config', '--json', '--show-secrets'])
  if (exitCode !== 0) throw new Error(`The stack's configuration cannot be read: ${stderr.trim()}`)
  const entries = Object.entries(configuration.parse(JSON.parse(stdout)))
  return Object.fromEntries(entries.flatMap(([key, { value }]) => (value === undefined ? [] : [[key, value]])))
}
