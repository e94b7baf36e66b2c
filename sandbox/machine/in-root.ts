import { join } from 'node:path'
import { execa } from 'execa'

/** What a command said and how it ended. */
export interface RootRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a command inside a root directory as root, in namespaces of its own and without a network; whatever it writes is
 * thrown away and whatever it starts ends with it.
 * @param options `binds`: absolute path inside → path on this host, to be read only; `input`: its standard input
 * @returns also when the command fails
 * @throws Error when it does not end by a code of its own
 */
export async function runInRoot(
  root: string,
  command: readonly [string, ...string[]],
  options: { readonly binds?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<RootRun> {
  const binds = Object.entries(options.binds ?? {}).flatMap(([target, source]) => [source, target])
  const { exitCode, stdout, stderr } = await execa(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--net', '--ipc', '--uts'],
      ...['--fork', '--kill-child', '--mount-proc'],
      ...[join(import.meta.dirname, 'in-root.sh'), root, ...binds, '--', ...command],
    ],
    { reject: false, input: options.input ?? '' },
  )
  if (exitCode === undefined) throw new Error(`${command[0]} was ended from outside: run it again`)
  return { exitCode, stdout, stderr }
}
