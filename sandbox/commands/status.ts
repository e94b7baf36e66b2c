import { execa } from 'execa'
import { cloudAnswers } from '../daemon.ts'
import { knockAll } from '../health.ts'
import type { Instance } from '../instance.ts'
import { leftovers } from '../machine/sweep.ts'
import { serverRuns } from '../server.ts'
import { type Reach, readSummary } from '../summary.ts'

/** Prints what stands and whether it answers; exit code 1 when it does not. */
export async function status(instance: Instance, json: boolean): Promise<void> {
  const summary = await readSummary(instance)
  const answers = await cloudAnswers(instance)
  const stands = summary && answers
  const [doors, server] = stands ? await Promise.all([knockAll(summary), serverStatus(summary)]) : [{}, []]
  const closed = Object.entries(doors).filter(([, reason]) => reason !== undefined)
  const state = stands
    ? closed.length === 0
      ? 'running'
      : 'unhealthy'
    : answers || (await leftovers(instance)).length > 0
      ? 'incomplete'
      : 'absent'
  if (state !== 'running') process.exitCode = 1
  if (json) {
    const found = { ...summary, instance: instance.number, state, closed: Object.fromEntries(closed), server }
    console.log(JSON.stringify(found, null, 2))
    return
  }
  const advice = {
    running: 'every door lets a client in',
    unhealthy: (await serverRuns(instance))
      ? 'look at: npm run sandbox -- logs'
      : 'no server is on; npm run sandbox switches it on, or makes one',
    incomplete: 'a run was interrupted: npm run sandbox goes on, npm run sandbox -- down removes what is there',
    absent: 'stand it up with: npm run sandbox',
  }[state]
  console.log(`sandbox ${instance.number} is ${state}: ${advice}`)
  if (!stands) return
  console.log(`${summary.hostname} ${summary.address} ${summary.address6}`)
  for (const [name, url] of Object.entries(summary.urls)) {
    const reason = doors[name]
    console.log(`  ${name.padEnd(6)} ${url.padEnd(40)} ${reason === undefined ? 'ok' : `closed: ${reason}`}`)
  }
  console.log('what the server says of itself (sudo skerry-release status):')
  for (const line of server) console.log(`  ${line}`)
}

/** The lines of `skerry-release status` on the server, asked for as a deployer would; one that says why when it does not answer. */
async function serverStatus({ sshCommand: [program = 'ssh', ...parameters] }: Reach): Promise<string[]> {
  const command = [...parameters, 'sudo /usr/local/sbin/skerry-release status']
  const { exitCode, stdout, stderr } = await execa(program, command, { reject: false, timeout: 20_000 })
  if (exitCode === 0) return stdout.split('\n')
  return [`no answer over SSH: ${stderr.trim().split('\n').at(-1) || `exit code ${exitCode ?? 'none'}`}`]
}
