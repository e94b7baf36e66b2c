import { removeHostsEntries } from '../hosts.ts'
import type { Instance } from '../instance.ts'
import { exclusively } from '../lock.ts'
import { sweep } from '../machine/sweep.ts'
import { Progress } from '../progress.ts'

/**
 * Removes everything that the instance made, in whatever state it is.
 * @throws Error that lists what could not be removed
 */
export async function down(instance: Instance): Promise<void> {
  await exclusively(instance, async () => {
    const progress = new Progress()
    await progress.step('Names in /etc/hosts', () => removeHostsEntries(instance))
    await progress.step('Servers, cloud, network and files', () => sweep(instance))
  })
}
