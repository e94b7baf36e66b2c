import type { Limits } from './limits.ts'

type WaitingLimits = Pick<Limits, 'waitingConnections' | 'waitingConnectionsPerAddress'>

/** Bounds the connections that have not logged in yet, so that one address cannot take every place. */
export class WaitingRoom {
  readonly #limits: WaitingLimits
  readonly #groups = new Map<string, number>()
  #total = 0

  constructor(limits: WaitingLimits) {
    this.#limits = limits
  }

  /** Takes a place for an address group; gives the function that gives it back (once), or undefined if there is none. */
  enter(group: string): (() => void) | undefined {
    const present = this.#groups.get(group) ?? 0
    if (this.#total >= this.#limits.waitingConnections || present >= this.#limits.waitingConnectionsPerAddress)
      return undefined
    this.#groups.set(group, present + 1)
    this.#total++
    let inside = true
    return () => {
      if (!inside) return
      inside = false
      this.#total--
      const left = (this.#groups.get(group) ?? 1) - 1
      if (left > 0) this.#groups.set(group, left)
      else this.#groups.delete(group)
    }
  }
}
