import { execa } from 'execa'
import type { Instance } from '../instance.ts'
import { enterServer } from '../server.ts'

/** One command on the server as root, in all its namespaces; ends with the command's exit code. */
export async function root(instance: Instance, command: readonly string[]): Promise<void> {
  const result = await execa('nsenter', [...(await enterServer(instance)), ...command], {
    stdio: 'inherit',
    reject: false,
  })
  process.exitCode = result.exitCode ?? 1
}
