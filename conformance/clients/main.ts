import { Command } from 'commander'
import pLimit from 'p-limit'
import { NotRun } from '../../tools/check/outcome.ts'
import { startBroker } from './brokers.ts'
import { type ClientUnderTest, clients } from './clients.ts'
import { Program, type Start } from './program.ts'
import type { Version } from './protocol.ts'
import type { Scenario } from './scenario.ts'
import { scenarios } from './scenarios/index.ts'
import { playAll } from './suite.ts'
import { type Column, renderTable, summary } from './table.ts'

const program = new Command('npm run interoperability --')
  .description('Carries the same scenarios out with client libraries by others, against the broker of this checkout.')
  .argument('[clients...]', 'the clients to take; without any, all of them')
  .option('--scenario <text>', 'only the scenarios whose name contains this')
  .addHelpText('after', `\nClients: ${clients.map(({ name }) => name).join(', ')}`)
  .action(async (names: string[], { scenario = '' }: { scenario?: string }) => {
    const unknown = names.filter((name) => !clients.some((client) => client.name === name))
    if (unknown.length > 0) {
      program.error(`There is no client "${unknown.join('", "')}". See npm run interoperability -- --help.`)
    }
    const chosen = scenarios.filter(({ name }) => name.includes(scenario))
    if (chosen.length === 0) program.error(`No scenario's name contains "${scenario}".`)

    const limit = pLimit(2)
    const played = clients
      .filter(({ name }) => names.length === 0 || names.includes(name))
      .flatMap((client) => {
        const start = client.prepare()
        return client.versions.map((version) => limit(() => play(client, version, start, chosen)))
      })
    const columns = (await Promise.all(played)).filter((column) => column !== undefined)
    console.log(`\n${renderTable(chosen, columns)}\n\n${summary(columns)}`)
    const isGood = columns.length === played.length
    const isPassed = columns.every(({ outcomes }) => outcomes.every(({ kind }) => kind !== 'failed'))
    process.exitCode = isGood && isPassed ? 0 : 1
  })

await program.parseAsync()

async function play(
  client: ClientUnderTest,
  version: Version,
  prepared: Promise<Start>,
  chosen: readonly Scenario[],
): Promise<Column | undefined> {
  const title = `${client.name} ${version === 5 ? '5' : '3.1.1'}`
  try {
    const start = await prepared
    const { way, cleanup } = await startBroker()
    const running = new Program(start)
    try {
      return { title, outcomes: await playAll(chosen, version, way, running, client.blindSpots) }
    } finally {
      await running.stop()
      await cleanup()
    }
  } catch (error) {
    if (!(error instanceof NotRun)) throw error
    console.log(`${title} was not run: ${error.message}. To do: ${error.remedy}.`)
    return undefined
  }
}
