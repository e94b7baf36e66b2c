/** What was found out before something is made; each entry is a sentence or more for a person, with the remedy. */
export interface Verdict {
  readonly refusals?: readonly string[]
  readonly warnings?: readonly string[]
}

export const fine: Verdict = {}
export const refused = (reason: string): Verdict => ({ refusals: [reason] })
export const warned = (warning: string): Verdict => ({ warnings: [warning] })

/** Everything that several verdicts say. */
export async function all(...verdicts: readonly (Verdict | Promise<Verdict>)[]): Promise<Verdict> {
  const found = await Promise.all(verdicts)
  return {
    refusals: found.flatMap(({ refusals = [] }) => refusals),
    warnings: found.flatMap(({ warnings = [] }) => warnings),
  }
}
