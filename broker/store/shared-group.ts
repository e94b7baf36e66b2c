import type { Matching } from './session-records.ts'

/** How well a member can take a message now; undefined if not at all. */
export type Readiness = 'able' | 'busy' | 'away' | 'full' | undefined

const order = ['able', 'busy', 'away', 'full'] as const

/** The members of one shared subscription: each message goes to one of them. */
export class SharedGroup {
  /** Who was served longest ago comes first. */
  readonly #members = new Map<string, Matching>()

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  /** A member that replaces its subscription keeps its turn. */
  set(clientId: string, matching: Matching): void {
    this.#members.set(clientId, matching)
  }

  delete(clientId: string): void {
    this.#members.delete(clientId)
  }

  /** The member whose turn it is among those who can take the message best. */
  choose(readinessOf: (matching: Matching) => Readiness): Matching | undefined {
    let best: Matching | undefined
    let rank: number = order.length
    for (const matching of this.#members.values()) {
      const readiness = readinessOf(matching)
      const found = readiness === undefined ? order.length : order.indexOf(readiness)
      if (found >= rank) continue
      best = matching
      rank = found
      if (rank === 0) break
    }
    if (!best) return undefined
    const { clientId } = best.record
    this.#members.delete(clientId)
    this.#members.set(clientId, best)
    return best
  }
}
