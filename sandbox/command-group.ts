import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Instance } from './instance.ts'
import { endCgroup, instanceCgroup, makeCgroup } from './machine/cgroup.ts'

/** The control group of the command that changes the sandbox, with the engine and the plugins that it starts. */
async function commandGroup(instance: Instance): Promise<string> {
  return join(await instanceCgroup(instance), 'command')
}

/** Ends what a killed command left at work; the caller holds the instance's lock. */
export async function endEarlierCommand(instance: Instance): Promise<void> {
  await endCgroup(await commandGroup(instance))
}

/** Puts this process, and so all that it starts from now on, into the instance's control group, for the sweep to find. */
export async function enterCommandGroup(instance: Instance): Promise<void> {
  const group = await commandGroup(instance)
  await makeCgroup(group)
  await writeFile(join(group, 'cgroup.procs'), String(process.pid))
}
