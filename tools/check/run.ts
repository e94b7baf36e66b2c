import { performance } from 'node:perf_hooks'
import pLimit from 'p-limit'
import { failed, NotRun, type Outcome } from './outcome.ts'

export interface Check {
  readonly name: string
  /** What it looks at, for `--help`. */
  readonly purpose: string
  run(): Promise<Outcome>
}

export interface Result {
  readonly name: string
  readonly seconds: number
  readonly outcome: Outcome
}

/** Runs checks, at most `parallel` at a time; whatever one throws is its outcome. Results come in the order of `checks`. */
export function runChecks(
  checks: readonly Check[],
  parallel: number,
  report: (result: Result) => void,
): Promise<Result[]> {
  const limit = pLimit(parallel)
  return Promise.all(
    checks.map((check) =>
      limit(async () => {
        const start = performance.now()
        const outcome = await outcomeOf(check)
        const result = { name: check.name, seconds: (performance.now() - start) / 1000, outcome }
        report(result)
        return result
      }),
    ),
  )
}

async function outcomeOf(check: Check): Promise<Outcome> {
  try {
    return await check.run()
  } catch (error) {
    if (error instanceof NotRun) return { kind: 'not run', reason: error.message, remedy: error.remedy }
    return failed(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
}

/** @returns one line, such as `10 passed, 1 failed, 2 not run` */
export function summary(results: readonly Result[]): string {
  const count = (kind: Outcome['kind']) => results.filter(({ outcome }) => outcome.kind === kind).length
  const parts = [`${count('passed')} passed`]
  if (count('failed') > 0) parts.push(`${count('failed')} failed`)
  if (count('not run') > 0) parts.push(`${count('not run')} not run`)
  return parts.join(', ')
}

/** @param complete whether a check that could not run counts as a failure, as it does in CI */
export function exitStatus(results: readonly Result[], complete: boolean): 0 | 1 {
  const bad = results.some(({ outcome }) => outcome.kind === 'failed' || (complete && outcome.kind === 'not run'))
  return bad ? 1 : 0
}
