import type { Instance } from '../instance.ts'
import { cgroupProcesses, instanceCgroup } from './cgroup.ts'
import { remains } from './remains.ts'

/**
 * Ends and removes everything of the sandbox, in whatever state it is; again is fine.
 * @throws Error when it is called from inside the sandbox's control group, or naming what does not go
 */
export async function sweep(instance: Instance): Promise<void> {
  if ((await cgroupProcesses(await instanceCgroup(instance))).includes(process.pid)) {
    throw new Error(`the sandbox ${instance.name} cannot be removed by one of its own processes: run it from a shell`)
  }
  for (const { find, remove } of remains) {
    for (const found of await find(instance)) await remove(instance, found)
  }
  const left = await leftovers(instance)
  if (left.length > 0) throw new Error(`the sandbox ${instance.name} left behind: ${left.join(', ')}; run this again`)
}

/** @returns what is on this host on account of the sandbox, such as `link sk0-1`; empty when it is gone */
export async function leftovers(instance: Instance): Promise<string[]> {
  const found = await Promise.all(
    remains.map(async ({ kind, find }) => (await find(instance)).map((name) => `${kind} ${name}`)),
  )
  return found.flat()
}
