import { AssertionError } from 'node:assert'
import { setTimeout } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { BlindSpots } from './blind-spots.ts'
import type { Program } from './program.ts'
import type { Version } from './protocol.ts'
import type { Scenario } from './scenario.ts'
import { Stage, type Way } from './stage.ts'

/** Milliseconds for one scenario: far more than it takes, so that only what hangs is given up. */
const deadline = 30_000
/** Scenarios of one program at the same time: most of them wait. */
const parallel = 6

/** What became of a scenario with one client and one version. */
export type Outcome =
  /** Passed; `blind` says what this client could not look at. */
  | { readonly kind: 'passed'; readonly blind: readonly string[] }
  | { readonly kind: 'failed'; readonly reason: string }
  /** The client cannot express it. */
  | { readonly kind: 'impossible'; readonly reason: string }
  /** This version of MQTT, or of the client, does not have it. */
  | { readonly kind: 'absent' }

/** Carries the scenarios out with one client program. */
export function playAll(
  scenarios: readonly Scenario[],
  version: Version,
  way: Way,
  program: Program,
  blindSpots: BlindSpots,
): Promise<Outcome[]> {
  const limit = pLimit(parallel)
  return Promise.all(
    scenarios.map((scenario) => limit(() => play(scenario, new Stage(version, way, program, blindSpots), blindSpots))),
  )
}

async function play({ versions, needs = [], run }: Scenario, stage: Stage, blindSpots: BlindSpots): Promise<Outcome> {
  if (versions && !versions.includes(stage.version)) return { kind: 'absent' }
  for (const ability of needs) {
    const reason = blindSpots[ability]
    if (reason !== undefined) return { kind: 'impossible', reason }
  }
  const timeout = new AbortController()
  const late = setTimeout(deadline, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`nothing more happened in ${deadline / 1_000} s`)
  })
  try {
    await Promise.race([run(stage), late])
    return { kind: 'passed', blind: [...stage.blind] }
  } catch (error) {
    return { kind: 'failed', reason: explain(error) }
  } finally {
    timeout.abort()
    late.catch(() => {})
    await stage.clear()
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof AssertionError) || !error.generatedMessage) return error.message
  const shown = (value: unknown) => `${JSON.stringify(value)}`.slice(0, 300)
  return `seen: ${shown(error.actual)}; expected: ${shown(error.expected)}`
}
