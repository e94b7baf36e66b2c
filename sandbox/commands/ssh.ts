import { execa } from 'execa'
import type { Instance } from '../instance.ts'
import { requireSummary } from '../summary.ts'

/** A shell, or one command, as the deploy user; ends with the command's exit code. */
export async function ssh(instance: Instance, command: readonly string[]): Promise<void> {
  const [program = 'ssh', ...parameters] = (await requireSummary(instance)).sshCommand
  const result = await execa(program, [...parameters, ...command], { stdio: 'inherit', reject: false })
  process.exitCode = result.exitCode ?? 1
}
