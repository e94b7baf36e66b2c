import { glob } from 'node:fs/promises'
import type { Instance } from './instance.ts'
import { cgroupProcesses, instanceCgroup } from './machine/cgroup.ts'

/**
 * @returns the options with which nsenter enters the stack's server as root, in all its namespaces
 * @throws Error when no server of this instance runs
 */
export async function enterServer(instance: Instance): Promise<string[]> {
  const pattern = 'guest-*/machine/payload/init.scope'
  for await (const group of glob(pattern, { cwd: await instanceCgroup(instance) })) {
    const [processOne] = await cgroupProcesses(`${await instanceCgroup(instance)}/${group}`)
    if (processOne !== undefined) return ['--target', String(processOne), '--all', '--']
  }
  throw new Error(`No server of sandbox ${instance.number} runs: run "npm run sandbox" first`)
}
