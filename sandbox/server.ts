import { glob } from 'node:fs/promises'
import type { Instance } from './instance.ts'
import { cgroupProcesses, instanceCgroup } from './machine/cgroup.ts'

/** Whether a server of this instance is on. */
export async function serverRuns(instance: Instance): Promise<boolean> {
  return (await processOne(instance)) !== undefined
}

/**
 * @returns the options with which nsenter enters the stack's server as root, in all its namespaces
 * @throws Error when no server of this instance runs
 */
export async function enterServer(instance: Instance): Promise<string[]> {
  const pid = await processOne(instance)
  if (pid !== undefined) return ['--target', String(pid), '--all', '--']
  throw new Error(`No server of sandbox ${instance.number} runs: run "npm run sandbox" first`)
}

/** The first process of a server that is on. */
async function processOne(instance: Instance): Promise<number | undefined> {
  const pattern = 'guest-*/machine/payload/init.scope'
  for await (const group of glob(pattern, { cwd: await instanceCgroup(instance) })) {
    const [pid] = await cgroupProcesses(`${await instanceCgroup(instance)}/${group}`)
    if (pid !== undefined) return pid
  }
  return undefined
}
