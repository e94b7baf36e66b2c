import { recover as putInOrder } from '../../infra/recover/recovery.ts'
import { endEarlierCommand, enterCommandGroup } from '../command-group.ts'
import { locateEngine } from '../engine/locate.ts'
import type { Instance } from '../instance.ts'
import { exclusively } from '../lock.ts'
import { openStack } from '../stack.ts'
import { requireSummary } from '../summary.ts'

/** Puts the state in order after an `up` that was killed. */
export async function recover(instance: Instance): Promise<void> {
  await requireSummary(instance)
  await exclusively(instance, async () => {
    // What the killed one started may still be at work; nobody else can be.
    await endEarlierCommand(instance)
    const { ask, environment } = await openStack(instance, await locateEngine(() => {}))
    await enterCommandGroup(instance)
    await putInOrder({ engine: ask, environment, say: console.log, consent: async () => true })
    console.log('Next: npm run sandbox')
  })
}
