import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { changedCheckout, freshCheckout } from '../e2e/checkout.ts'
import { checkout, down, readStatus, run } from '../e2e/sandbox.ts'
import { describeMachine } from './machine.ts'
import { renderSandboxReport, type SandboxReport, type Scenario } from './sandbox-report.ts'

const program = new Command('npm run bench:sandbox --')
  .description(
    'Measures in seconds how long the sandbox takes to stand and to follow a change; writes bench/results/sandbox.*',
  )
  .option('--cold', 'also with empty caches: builds the engine and the base system (many minutes)')
  .action(async ({ cold }: { cold?: true }) => {
    const scenarios: Scenario[] = []
    try {
      if (cold) scenarios.push(await measureCold())
      scenarios.push(await measure('warm', 'stood anew, the base system and the engine cached', []))
      scenarios.push(await measure('no change', 'up again', []))
      await using changed = await changedCheckout(`console.error('a changed bundle')`)
      scenarios.push(await measure('new bundle', 'up with a changed broker', [], changed.path))
      const { stdout: version } = await run(['pulumi', 'version'])
      scenarios.push(await measure('down', 'everything removed', ['down']))
      await write({
        date: new Date().toISOString().slice(0, 10),
        machine: await describeMachine(),
        pulumi: version.trim().replace(/^v/, ''),
        scenarios,
      })
    } finally {
      await down()
    }
  })

await program.parseAsync()

async function measureCold(): Promise<Scenario> {
  const cache = await mkdtemp('/var/tmp/skerry-bench-')
  const before = process.env.XDG_CACHE_HOME
  process.env.XDG_CACHE_HOME = cache
  try {
    await using fresh = await freshCheckout()
    return await measure('cold', 'a fresh clone: the engine is built, the base system made', [], fresh.path)
  } finally {
    await down()
    if (before === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = before
    await rm(cache, { recursive: true, force: true })
  }
}

async function measure(
  name: string,
  meaning: string,
  parameters: readonly string[],
  tree = checkout,
): Promise<Scenario> {
  const start = performance.now()
  await run(parameters, { checkout: tree, deadline: 1_800_000 })
  const seconds = (performance.now() - start) / 1000
  const parts =
    parameters.length === 0 ? (await readStatus()).timings.map(({ step, seconds }) => ({ title: step, seconds })) : []
  console.log(`${name}: ${seconds.toFixed(1)} s`)
  return { name, meaning, seconds: Math.round(seconds * 10) / 10, parts }
}

async function write(report: SandboxReport): Promise<void> {
  const results = join(checkout, 'bench', 'results')
  await mkdir(results, { recursive: true })
  await writeFile(join(results, 'sandbox.json'), `${JSON.stringify(report, null, 2)}\n`)
  await writeFile(join(results, 'sandbox.md'), renderSandboxReport(report))
}
