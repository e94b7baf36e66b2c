import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Limits } from './limits.ts'

type FailedLoginLimits = Pick<Limits, 'failedLogins' | 'failedLoginsSeconds' | 'lockSeconds' | 'trackedAddresses'>

/** Counts wrong passwords per address group and says who is locked out; remembers a bounded number of groups. */
export class FailedLogins {
  readonly #limits: FailedLoginLimits
  readonly #limiter: RateLimiterMemory
  /** In the order of their last failure; the limiter itself would grow without bound. */
  readonly #groups = new Set<string>()

  constructor(limits: FailedLoginLimits) {
    this.#limits = limits
    this.#limiter = new RateLimiterMemory({ points: limits.failedLogins, duration: limits.failedLoginsSeconds })
  }

  /** Whether this address group has to wait. */
  async isLocked(group: string): Promise<boolean> {
    const state = await this.#limiter.get(group)
    return state !== null && state.consumedPoints >= this.#limits.failedLogins
  }

  /** Counts one wrong password; true if it was the one that locks the group. */
  async record(group: string): Promise<boolean> {
    await this.#remember(group)
    const { consumedPoints } = await this.#limiter.penalty(group)
    if (consumedPoints !== this.#limits.failedLogins) return false
    await this.#limiter.block(group, this.#limits.lockSeconds)
    return true
  }

  async #remember(group: string): Promise<void> {
    this.#groups.delete(group)
    this.#groups.add(group)
    if (this.#groups.size <= this.#limits.trackedAddresses) return
    const [oldest] = this.#groups
    if (oldest === undefined) return
    this.#groups.delete(oldest)
    await this.#limiter.delete(oldest)
  }
}
