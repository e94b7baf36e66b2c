import { enterCommandGroup } from '../command-group.ts'
import { locateEngine } from '../engine/locate.ts'
import type { Instance } from '../instance.ts'
import { exclusively } from '../lock.ts'
import { openStack } from '../stack.ts'
import { requireSummary } from '../summary.ts'

/** One command of the engine on the stack; ends with the engine's exit code. */
export async function pulumi(instance: Instance, parameters: readonly string[]): Promise<void> {
  await requireSummary(instance)
  await exclusively(instance, async () => {
    const stack = await openStack(instance, await locateEngine(console.error))
    await enterCommandGroup(instance)
    process.exitCode = await stack.attach(parameters)
  })
}
