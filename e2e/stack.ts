import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { sandboxFiles } from '../sandbox/files.ts'
import { instance, type Run, run, tryToRun } from './sandbox.ts'

/** A resource as the engine remembers it. */
export interface StoredResource {
  readonly urn: string
  readonly type: string
  readonly id?: string
  readonly custom: boolean
  readonly protect?: boolean
  readonly outputs?: Readonly<Record<string, unknown>>
}

interface Deployment {
  readonly resources?: readonly StoredResource[]
  readonly pending_operations?: readonly { readonly type: string }[]
}

/** What the engine remembers; with `--show-secrets` in plain text. */
export async function exportStack(...options: readonly string[]): Promise<Deployment> {
  const { stdout } = await run(['pulumi', 'stack', 'export', ...options])
  return (JSON.parse(stdout) as { deployment: Deployment }).deployment
}

/** Name of a resource in the program. */
export const nameOf = ({ urn }: { readonly urn: string }) => urn.split('::').at(-1) ?? ''

/** Operations that the engine remembers as begun and not ended, from its own file. */
export async function pendingOperations(): Promise<readonly string[]> {
  const file = join(instance.directory, 'state', '.pulumi', 'stacks', 'skerry', 'sandbox.json')
  const { checkpoint } = JSON.parse(await readFile(file, 'utf8')) as { checkpoint: { latest?: Deployment } }
  assert.ok(checkpoint.latest, `${file} has no deployment`)
  return (checkpoint.latest.pending_operations ?? []).map(({ type }) => type)
}

/** The stack's settings as this sandbox has them. */
const settingsFile = () => join(sandboxFiles(instance).project, 'Pulumi.sandbox.yaml')

/** The text of the stack's settings with one of them changed; undefined takes it out. */
async function settingsWith(key: string, value: unknown): Promise<string> {
  const document = parseDocument(await readFile(settingsFile(), 'utf8'))
  if (value === undefined) document.deleteIn(['config', key])
  else document.setIn(['config', key], value)
  return document.toString()
}

/** Changes a setting of the standing stack, as in an editor; `npm run sandbox` leaves it alone. */
export async function changeSetting(key: string, value: unknown): Promise<void> {
  await writeFile(settingsFile(), await settingsWith(key, value))
}

/** `pulumi up` as the tests run it. */
export const update = ['pulumi', 'up', '--yes', '--skip-preview', '--suppress-outputs']

/** `pulumi up`, which has to succeed. */
export const pulumiUp = (...options: readonly string[]): Promise<Run> => run([...update, ...options])

/**
 * `pulumi up`, which has to fail.
 * @param deadline milliseconds
 * @returns what it said, its wrapped lines joined
 */
export async function failingUp(deadline = 600_000): Promise<string> {
  const { exitCode, output } = await tryToRun(update, { deadline })
  assert.ok(exitCode, `pulumi up ended with ${exitCode}:\n${output}`)
  // A fault of the program itself shows where in it.
  assert.doesNotMatch(output, /\n\s+at .*\.(ts|js):\d+/)
  return output.replaceAll(/\s*\n\s*/g, ' ')
}
