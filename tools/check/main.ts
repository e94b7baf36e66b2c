import { Command } from 'commander'
import { checks } from './checks.ts'
import { exitStatus, type Result, runChecks, summary } from './run.ts'

const program = new Command('npm run check --')
  .description('Checks every file by the checker of its language.')
  .argument('[names...]', 'the checks to run; without any, all of them')
  .addHelpText(
    'after',
    `
Checks:
${checks.map(({ name, purpose }) => `  ${name.padEnd(nameWidth())}${purpose}`).join('\n')}

Examples:
  npm run check
  npm run check -- types lint

A check that cannot run here says why and how it could; with CI=true that is a failure.`,
  )
  .action(async (names: string[]) => {
    const unknown = names.filter((name) => !checks.some((check) => check.name === name))
    if (unknown.length > 0) {
      program.error(
        `There is no check "${unknown.join('", "')}". There are: ${checks.map(({ name }) => name).join(', ')}.`,
      )
    }
    const chosen = names.length === 0 ? checks : checks.filter(({ name }) => names.includes(name))
    const results = await runChecks(chosen, 2, (result) => console.log(line(result)))
    for (const { name, outcome } of results) {
      if (outcome.kind === 'failed') console.log(`\n--- ${name}\n${outcome.output}`)
    }
    console.log(`\n${summary(results)}`)
    process.exitCode = exitStatus(results, process.env.CI === 'true')
  })

await program.parseAsync()

function nameWidth(): number {
  return Math.max(...checks.map(({ name }) => name.length)) + 2
}

function line({ name, seconds, outcome }: Result): string {
  const start = `${outcome.kind.padEnd(9)}${name.padEnd(nameWidth())}${seconds.toFixed(1).padStart(5)} s`
  if (outcome.kind === 'not run') return `${start}  ${outcome.reason}; remedy: ${outcome.remedy}`
  if (outcome.kind === 'passed' && outcome.note !== undefined) return `${start}  ${outcome.note}`
  return start
}
