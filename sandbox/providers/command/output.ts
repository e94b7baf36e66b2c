import { randomBytes } from 'node:crypto'
import type { Context, Failure } from '../provider.ts'
import { isObject, type Properties, text, type Value } from '../values.ts'
import { type ProcessResult, tailOf } from './process.ts'

const loggings = ['stdout', 'stderr', 'stdoutAndStderr', 'none']

/** Inputs that remote and local commands share. */
export const commandInputs = [
  'create',
  'update',
  'delete',
  'stdin',
  'environment',
  'triggers',
  'logging',
  'addPreviousOutputInEnv',
]
/** The outputs tell what these tell. */
export const derivedOutputs = {
  stdout: ['create', 'update', 'stdin', 'environment'],
  stderr: ['create', 'update', 'stdin', 'environment'],
}

export function checkLogging(inputs: Properties): Failure[] {
  const { logging } = inputs
  if (logging === undefined || loggings.includes(String(logging))) return []
  return [{ property: 'logging', reason: `must be one of ${loggings.join(', ')}` }]
}

/** The program's environment and, unless it is not wanted, what the last command printed. */
export function environmentOf(inputs: Properties, outputs: Properties): Record<string, string> {
  const given = isObject(inputs.environment) ? inputs.environment : {}
  const previous: { [name: string]: Value | undefined } =
    inputs.addPreviousOutputInEnv === false
      ? {}
      : { PULUMI_COMMAND_STDOUT: outputs.stdout, PULUMI_COMMAND_STDERR: outputs.stderr }
  const entries = Object.entries({ ...previous, ...given }).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null ? [] : [[name, String(value)]],
  )
  for (const [name] of entries) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`"${name}" is no name for an environment variable`)
  }
  return Object.fromEntries(entries)
}

/** Shows what a command prints beside its resource, as far as `logging` wants it. */
export function lineLogger(inputs: Properties, context: Context<unknown>) {
  const logging = text(inputs, 'logging') ?? 'stdoutAndStderr'
  return (stream: 'stdout' | 'stderr', line: string) => {
    if (logging === 'stdoutAndStderr' || logging === stream) context.log(line)
  }
}

/** @throws Error with the last lines when the command has failed */
export function commandOutputs(result: ProcessResult, where: string): { stdout: string; stderr: string } {
  if (result.code !== 0) {
    const end = result.code === null ? 'was killed' : `ended with exit code ${result.code}`
    throw new Error(`The command ${end} ${where}:\n${tailOf(result)}`)
  }
  return { stdout: result.stdout.replace(/\n$/, ''), stderr: result.stderr.replace(/\n$/, '') }
}

/** As the genuine provider names its resources: the program's name and eight digits. */
export const uniqueId = (name: string) => `${name}${randomBytes(4).toString('hex')}`
