import { existsSync } from 'node:fs'
import { renderBox, renderCommands } from '../box.ts'
import { endEarlierCommand, enterCommandGroup } from '../command-group.ts'
import { writeCredentials } from '../credentials.ts'
import { cloudAnswers, startCloud } from '../daemon.ts'
import { locateEngine } from '../engine/locate.ts'
import { sandboxFiles } from '../files.ts'
import { waitUntilHealthy } from '../health.ts'
import { addHostsEntries } from '../hosts.ts'
import type { Instance } from '../instance.ts'
import { exclusively } from '../lock.ts'
import { ensureBase, suites } from '../machine/base.ts'
import { installPrerequisites } from '../machine/prerequisites.ts'
import { sweep } from '../machine/sweep.ts'
import { switchOn } from '../power.ts'
import { Progress } from '../progress.ts'
import { serverRuns } from '../server.ts'
import { openStack } from '../stack.ts'
import { writeSummary } from '../summary.ts'
import { ensureTryUser } from '../try-user.ts'

/** Stands the sandbox up from whatever state it is in, or brings it to what the checkout says now. */
export async function up(instance: Instance): Promise<void> {
  await exclusively(instance, async () => {
    await endEarlierCommand(instance)
    const progress = new Progress()
    await progress.step('Tools of this machine', installPrerequisites)
    const engine = await progress.step('Pulumi engine', locateEngine)

    // What was interrupted before it first stood is not worth mending: begin afresh.
    const stands = existsSync(sandboxFiles(instance).summary) && (await cloudAnswers(instance))
    if (!stands) await progress.step('Room for a new cloud', () => sweep(instance))
    await enterCommandGroup(instance)
    if (!stands) await progress.step('Emulated cloud', () => startCloud(instance))
    else if (!(await serverRuns(instance))) await progress.step('Power for the server', () => switchOn(instance))

    const stack = await openStack(instance, engine)
    const { image } = stack
    if (image) await progress.step(`Base system ${image}`, (report) => ensureBase(suites[image], report))
    await progress.step('pulumi up', async (report) => {
      await stack.run(stands ? ['cancel', '--yes'] : ['stack', 'init', 'sandbox'], report)
      await ensureTryUser(instance, stack, report)
      await stack.run(['up', '--yes', '--skip-preview', '--suppress-progress', '--suppress-outputs'], report)
    })
    const found = await progress.step('Hello from outside', async (report) => {
      const reached = await writeCredentials(instance, stack)
      await addHostsEntries(instance, [reached.address, reached.address6])
      await waitUntilHealthy(reached, report)
      return reached
    })
    const summary = { ...found, engine: `${engine.pulumi} (${engine.origin})`, timings: progress.timings }
    await writeSummary(instance, summary)
    console.log(`\n${renderBox(summary)}\n\n${renderCommands(summary)}`)
  })
}
