import { cloudAnswers } from '../daemon.ts'
import { knockAll } from '../health.ts'
import type { Instance } from '../instance.ts'
import { leftovers } from '../machine/sweep.ts'
import { readSummary } from '../summary.ts'

/** Prints what stands and whether it answers; exit code 1 when it does not. */
export async function status(instance: Instance, json: boolean): Promise<void> {
  const summary = await readSummary(instance)
  const answers = await cloudAnswers(instance)
  const doors = summary && answers ? await knockAll(summary) : {}
  const closed = Object.entries(doors).filter(([, reason]) => reason !== undefined)
  const state =
    summary && answers
      ? closed.length === 0
        ? 'running'
        : 'unhealthy'
      : answers || (await leftovers(instance)).length > 0
        ? 'incomplete'
        : 'absent'
  if (state !== 'running') process.exitCode = 1
  if (json) {
    console.log(
      JSON.stringify({ ...summary, instance: instance.number, state, closed: Object.fromEntries(closed) }, null, 2),
    )
    return
  }
  const advice = {
    running: 'every door lets a client in',
    unhealthy: 'look at: npm run sandbox -- logs',
    incomplete: 'a run was interrupted: npm run sandbox goes on, npm run sandbox -- down removes what is there',
    absent: 'stand it up with: npm run sandbox',
  }[state]
  console.log(`sandbox ${instance.number} is ${state}: ${advice}`)
  if (!summary || !answers) return
  console.log(`${summary.hostname} ${summary.address}`)
  for (const [name, url] of Object.entries(summary.urls)) {
    const reason = doors[name]
    console.log(`  ${name.padEnd(6)} ${url.padEnd(40)} ${reason === undefined ? 'ok' : `closed: ${reason}`}`)
  }
}
