import { Command } from 'commander'
import pLimit from 'p-limit'
import { NotRun } from '../../tools/check/outcome.ts'
import { type ClientUnderTest, clients } from './clients.ts'
import { play } from './interoperability.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { type Column, renderTable, summary } from './table.ts'

/** Client programs at the same time. */
const parallel = 2

const program = new Command('npm run interoperability --')
  .description('Carries the same scenarios out with client libraries by others, against the broker of this checkout.')
  .argument('[clients...]', 'the clients to take; without any, all of them')
  .option('--scenario <text>', 'only the scenarios whose name contains this')
  .addHelpText(
    'after',
    `
Clients: ${clients.map(({ name }) => name).join(', ')}

Examples:
  npm run interoperability
  npm run interoperability -- mqtt.js Mosquitto --scenario will

A client that cannot be installed here says so, and the exit status is not 0.`,
  )
  .action(async (names: string[], { scenario = '' }: { scenario?: string }) => {
    const unknown = names.filter((name) => !clients.some((client) => client.name === name))
    if (unknown.length > 0) {
      program.error(`There is no client "${unknown.join('", "')}". See npm run interoperability -- --help.`)
    }
    const chosen = scenarios.filter(({ name }) => name.includes(scenario))
    if (chosen.length === 0) program.error(`No scenario's name contains "${scenario}".`)

    const limit = pLimit(parallel)
    const wanted = clients.filter(({ name }) => names.length === 0 || names.includes(name))
    const played = await Promise.all(wanted.map((client) => playVersions(client, chosen, limit)))
    const columns = played.flatMap((some) => some ?? [])
    console.log(`\n${renderTable(chosen, columns)}\n\n${summary(columns)}`)
    const isComplete = !played.includes(undefined)
    const isPassed = columns.every(({ outcomes }) => outcomes.every(({ kind }) => kind !== 'failed'))
    process.exitCode = isComplete && isPassed ? 0 : 1
  })

await program.parseAsync()

/** Undefined, after saying why, if the client cannot run here. */
async function playVersions(
  client: ClientUnderTest,
  chosen: readonly Scenario[],
  limit: ReturnType<typeof pLimit>,
): Promise<Column[] | undefined> {
  try {
    const start = await client.prepare()
    return await Promise.all(client.versions.map((version) => limit(() => play(client, version, start, chosen))))
  } catch (error) {
    if (!(error instanceof NotRun)) throw error
    console.log(`${client.name} was not run: ${error.message}. To do: ${error.remedy}.`)
    return undefined
  }
}
