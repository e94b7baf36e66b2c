import pLimit from 'p-limit'
import { FailedLogins } from './failed-logins.ts'
import type { Limits } from './limits.ts'
import { hashOfNobody, type PasswordHash, verifyPassword } from './passwords.ts'

export type PasswordVerdict = 'right' | 'wrong' | 'wrong, now locked' | 'locked' | 'busy' | 'gone'

export interface PasswordAttempt {
  readonly username: string
  readonly password: Buffer
  readonly addressGroup: string
  /** Asked when its turn comes: nobody waits for the answer any more once the client has left. */
  readonly isGone: () => boolean
}

/** Checks passwords, few at a time and in order, and locks out addresses that guess. */
export class PasswordLogins {
  readonly #hashes: ReadonlyMap<string, PasswordHash>
  readonly #limits: Limits
  readonly #failedLogins: FailedLogins
  readonly #turn
  readonly #nobody = hashOfNobody()
  readonly #waiting = new Map<string, number>()

  constructor(hashes: ReadonlyMap<string, PasswordHash>, limits: Limits) {
    this.#hashes = hashes
    this.#limits = limits
    this.#failedLogins = new FailedLogins(limits)
    this.#turn = pLimit(limits.passwordChecks)
  }

  async check(attempt: PasswordAttempt): Promise<PasswordVerdict> {
    const group = attempt.addressGroup
    const waiting = this.#waiting.get(group) ?? 0
    if (this.#turn.pendingCount >= this.#limits.passwordChecksWaiting) return 'busy'
    if (waiting >= this.#limits.passwordChecksWaitingPerAddress) return 'busy'
    this.#waiting.set(group, waiting + 1)
    try {
      // A locked address must not take turns from others, so it is asked before it queues as well.
      if (await this.#failedLogins.isLocked(group)) return 'locked'
      return await this.#turn(() => this.#verify(attempt))
    } finally {
      this.#leave(group)
    }
  }

  async #verify({ username, password, addressGroup, isGone }: PasswordAttempt): Promise<PasswordVerdict> {
    if (isGone()) return 'gone'
    if (await this.#failedLogins.isLocked(addressGroup)) return 'locked'
    const hash = this.#hashes.get(username)
    const right = await verifyPassword(password, hash ?? this.#nobody)
    if (right && hash !== undefined) return 'right'
    return (await this.#failedLogins.record(addressGroup)) ? 'wrong, now locked' : 'wrong'
  }

  #leave(group: string): void {
    const waiting = this.#waiting.get(group) ?? 0
    if (waiting > 1) this.#waiting.set(group, waiting - 1)
    else this.#waiting.delete(group)
  }
}
