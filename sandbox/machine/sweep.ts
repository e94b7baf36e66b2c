import type { Instance } from '../instance.ts'
import { type Remains, remains } from './remains.ts'

/**
 * Ends and removes everything of the sandbox, in whatever state it is; again is fine.
 * @throws Error when it is called from inside the sandbox's control group, or naming what does not go
 */
export async function sweep(instance: Instance): Promise<void> {
  if (process.platform === 'linux' && process.getuid?.() !== 0) {
    throw new Error(`removing the sandbox ${instance.name} needs root: run it with sudo`)
  }
  if ((await leftovers(instance)).includes(`process ${process.pid}`)) {
    throw new Error(`the sandbox ${instance.name} cannot be removed by one of its own processes: run it from a shell`)
  }
  for (const one of remains) {
    for (const name of await find(one, instance)) await one.remove(instance, name)
  }
  const left = await leftovers(instance)
  if (left.length > 0) throw new Error(`the sandbox ${instance.name} left behind: ${left.join(', ')}; run this again`)
}

/** @returns what is on this host on account of the sandbox, such as `link sk0-1`; empty when it is gone */
export async function leftovers(instance: Instance): Promise<string[]> {
  const found = await Promise.all(
    remains.map(async (one) => (await find(one, instance)).map((name) => `${one.kind} ${name}`)),
  )
  return found.flat()
}

/** Where the program that would find it is not installed, no sandbox has ever been. */
async function find(one: Remains, instance: Instance): Promise<string[]> {
  return await one.find(instance).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  })
}
