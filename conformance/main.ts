import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { Command } from 'commander'
import { reasons } from './reasons.ts'
import { statements } from './statements.ts'
import { judge, type Outcome, ofSection, render } from './table.ts'

const LIMIT = 15 * 60_000

const program = new Command('npm run conformance --')
  .description('Holds the broker against every numbered statement of MQTT 3.1.1 and 5.0 that a server can break.')
  .option('--section <number>', 'only the statements of a section, for example 3.1 or 3.1.2')
  .option(
    '--broker <host:port>',
    'another broker, which lets everybody in over plain TCP; what needs more than that is skipped',
  )
  .addHelpText(
    'after',
    `
The tests are in conformance/tests, the reasons why some statements have none in conformance/reasons.ts. It fails when a
test fails, or when a statement that a server can break has neither test nor reason.`,
  )
  .action(async ({ section, broker }: { section?: string; broker?: string }) => {
    if (broker !== undefined) process.env.SKERRY_CONFORMANCE_BROKER = broker
    const table = judge(statements, reasons, await outcomes(section))
    const shown = section === undefined ? table : ofSection(table, section)
    if (shown.rows.length === 0) program.error(`There are no statements in section ${section}.`)
    console.log(render(shown))
    process.exitCode = shown.faults.length > 0 ? 1 : 0
  })

await program.parseAsync()

/** Runs the tests; why one failed is printed at once. */
async function outcomes(section: string | undefined): Promise<readonly Outcome[]> {
  const folder = new URL('tests/', import.meta.url).pathname
  const pattern = section === undefined ? {} : { testNamePatterns: [`MQTT-${section.replaceAll('.', '[.]')}[-.]`] }
  const tests = run({
    files: globSync('*.test.ts', { cwd: folder }).map((file) => join(folder, file)),
    concurrency: Math.max(2, availableParallelism()),
    signal: AbortSignal.timeout(LIMIT),
    ...pattern,
  })
  const found: Outcome[] = []
  tests.on('test:pass', ({ name, skip, details }) => {
    if (details.type === 'test') found.push({ name, result: skip === undefined ? 'passed' : 'skipped' })
  })
  tests.on('test:fail', ({ name, details }) => {
    // What holds failed tests is not one itself.
    if ('failureType' in details.error && details.error.failureType === 'subtestsFailed') return
    found.push({ name, result: 'failed' })
    const { cause } = details.error
    console.error(`${name}\n  ${cause instanceof Error ? (cause.stack ?? cause.message) : details.error.message}\n`)
  })
  for await (const _ of tests);
  return found
}
