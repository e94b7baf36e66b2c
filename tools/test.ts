import { globSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { finished } from 'node:stream/promises'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { Command } from 'commander'

interface Level {
  readonly name: string
  readonly files: readonly string[]
  /** Test files at the same time: only one of the end-to-end level may own the sandbox. */
  readonly parallel: number
  /** Milliseconds after which a test is given up. */
  readonly timeout: number
  /** Milliseconds for the whole level: a test file that does not end is ended then. */
  readonly limit: number
}

const minute = 60_000
const project = new URL('..', import.meta.url).pathname
/** Run by name only: it takes about half an hour. */
const badDays = 'e2e/survival.test.ts'
const ignored = ['node_modules', 'dist', '.git']

const program = new Command('npm test --')
  .description('Runs the tests: those of the units, then those of the whole system from outside (Linux, as root).')
  .argument(
    '[what...]',
    '"unit", "e2e", or paths of test files or folders; without any, both levels, the bad days left out',
  )
  .addHelpText(
    'after',
    `
Examples:
  npm test
  npm test -- unit
  npm test -- broker infra/ports.test.ts
  npm test -- e2e/survival.test.ts       the bad days of a stack, about half an hour

Where the end-to-end level cannot run it says so; with CI=true that is a failure.`,
  )
  .action(async (what: string[]) => {
    const totals: string[] = []
    let good = true
    for (const level of levels(what)) {
      const obstacle = level.name === 'e2e' ? obstacleToEndToEnd() : undefined
      if (obstacle !== undefined) {
        totals.push(`${level.name}: not run: ${obstacle}`)
        good &&= process.env.CI !== 'true'
        continue
      }
      console.log(`\n${level.name}: ${level.files.length} files, ${level.parallel} at a time`)
      const result = await runLevel(level)
      totals.push(`${level.name}: ${result.total}`)
      good &&= result.success
    }
    console.log(`\n${totals.join('\n')}`)
    process.exitCode = good ? 0 : 1
  })

await program.parseAsync()

function levels(what: readonly string[]): Level[] {
  const everyDay = () => ['unit', 'e2e'].flatMap(testFiles).filter((file) => file !== badDays)
  const files = new Set(what.length === 0 ? everyDay() : what.flatMap(testFiles))
  const endToEnd = [...files].filter((file) => file.startsWith('e2e/'))
  const units = [...files].filter((file) => !file.startsWith('e2e/'))
  return [
    { name: 'unit', files: units.sort(), parallel: 2, timeout: 8 * minute, limit: 25 * minute },
    { name: 'e2e', files: endToEnd.sort(), parallel: 1, timeout: 80 * minute, limit: 90 * minute },
  ].filter((level) => level.files.length > 0)
}

function testFiles(what: string): string[] {
  const all = globSync('**/*.test.ts', { cwd: project, exclude: (path) => ignored.includes(path) })
  if (what === 'unit') return all.filter((file) => !file.startsWith('e2e/'))
  const path = relative(project, join(process.env.INIT_CWD ?? process.cwd(), what))
  const found = all.filter((file) => file === path || file.startsWith(`${path}/`))
  if (found.length > 0) return found
  const isFile = statSync(join(project, path), { throwIfNoEntry: false })?.isFile()
  return program.error(
    isFile
      ? `${what} is not a test: tests are named NAME.test.ts.`
      : `There are no tests at ${what}. Try npm test -- --help.`,
  )
}

function obstacleToEndToEnd(): string | undefined {
  if (process.platform !== 'linux')
    return `it boots Linux servers, and this is ${process.platform}; use a Linux machine`
  if (process.getuid?.() !== 0) return 'it boots servers, which needs root: sudo npm test -- e2e'
  return undefined
}

async function runLevel({ files, parallel, timeout, limit }: Level): Promise<{ total: string; success: boolean }> {
  const tests = run({
    cwd: project,
    files: files.map((file) => join(project, file)),
    concurrency: parallel,
    timeout,
    signal: AbortSignal.timeout(limit),
  })
  const begun = performance.now()
  const told = new Set<string>()
  // The report keeps the order of the files: what goes on beside something long would be told only after it.
  tests.on('test:complete', ({ name, line, details: { type, passed } }) => {
    // It comes once more for each suite around it that goes on beside others.
    if (type !== 'suite' || told.has(`${line} ${name}`)) return
    told.add(`${line} ${name}`)
    const seconds = Math.round((performance.now() - begun) / 1000)
    console.log(`  ${String(seconds).padStart(4)} s: ${name}: ${passed ? 'passed' : 'FAILED'}`)
  })
  let result = { total: 'ended without a result', success: false }
  tests.on('test:summary', ({ file, counts, success, duration_ms }) => {
    // A summary that names a file is one file's; the one without is the level's.
    if (file !== undefined) return
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo
    const seconds = Math.round(duration_ms / 1000)
    const total = `${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped in ${seconds} s`
    result = { total, success }
  })
  const report = tests.compose(spec)
  report.pipe(process.stdout, { end: false })
  await finished(report, { writable: false })
  return result
}
