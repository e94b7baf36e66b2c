/** Who has the stack, as the engine says when it may not have it. */
export interface Holder {
  readonly user: string
  readonly host: string
  readonly pid: number
  /** RFC 3339 */
  readonly since: string
}

/** An update has the stack, or had it when it was killed. */
export class LockedError extends Error {
  /** None where the backend does not tell. */
  readonly holders: readonly Holder[]
  constructor(holders: readonly Holder[]) {
    super('An update has the stack.')
    this.holders = holders
  }
}

/** What the backends for files and buckets say, and what Pulumi Cloud says. */
const refusals = [/stack is currently locked by/, /another update is currently in progress/i]
const holder = /created by (\S+?)@(\S+) \(pid (\d+)\) at (\S+)/g

/** @returns undefined when the engine said nothing of a lock */
export function lockedError(said: string): LockedError | undefined {
  const text = said.replaceAll(/\s+/g, ' ')
  if (!refusals.some((refusal) => refusal.test(text))) return undefined
  return new LockedError(
    [...text.matchAll(holder)].map(([, user = '', host = '', pid, since = '']) => ({
      user,
      host,
      pid: Number(pid),
      since,
    })),
  )
}
