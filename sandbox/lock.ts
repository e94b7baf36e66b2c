import { lock } from 'proper-lockfile'
import { sandboxFiles } from './files.ts'
import type { Instance } from './instance.ts'

/**
 * Runs `work` while no other command changes this instance. The lock of a killed command is taken over after ten seconds.
 * @throws Error when another command holds it
 */
export async function exclusively<T>(instance: Instance, work: () => Promise<T>): Promise<T> {
  const { lock: lockfilePath } = sandboxFiles(instance)
  let release: () => Promise<void>
  try {
    release = await lock(instance.directory, {
      lockfilePath,
      realpath: false,
      stale: 10_000,
      retries: { retries: 12, factor: 1, minTimeout: 1_000 },
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error
    throw new Error(
      `Another command is working on sandbox ${instance.number} (${lockfilePath}): wait until it ends, or use another number, e.g. SKERRY_SANDBOX=${instance.number + 1}`,
    )
  }
  try {
    return await work()
  } finally {
    await release()
  }
}
