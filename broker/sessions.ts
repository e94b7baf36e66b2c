import type { Limits } from './limits.ts'

type SessionLimits = Pick<Limits, 'sessions' | 'sessionsPerUser'>

interface Session {
  readonly username: string
  /** The connection that holds the session, if one does. */
  holder: object | undefined
}

export type Claim = 'granted' | "another user's" | 'too many'

/**
 * Which user each client id belongs to, as long as its session lives: nobody may take over another user's session.
 * Also bounds how many sessions there are; a user's own oldest stored session makes room for a new one.
 */
export class Sessions {
  readonly #limits: SessionLimits
  readonly #onEvict: (clientId: string) => void
  readonly #users = new Map<string, Map<string, Session>>()
  readonly #owners = new Map<string, string>()

  constructor(limits: SessionLimits, onEvict: (clientId: string) => void) {
    this.#limits = limits
    this.#onEvict = onEvict
  }

  /** Takes the session of a client id for a user's connection. */
  claim(clientId: string, username: string, holder: object): Claim {
    const owner = this.#owners.get(clientId)
    if (owner !== undefined && owner !== username) return "another user's"
    const own = this.#users.get(username) ?? new Map<string, Session>()
    const session = own.get(clientId)
    if (session) {
      session.holder = holder
      return 'granted'
    }
    const full = own.size >= this.#limits.sessionsPerUser || this.#owners.size >= this.#limits.sessions
    if (full && !this.#evictOldest(own)) return 'too many'
    own.set(clientId, { username, holder })
    this.#users.set(username, own)
    this.#owners.set(clientId, username)
    return 'granted'
  }

  /** A connection ended; its session ends with it unless it is stored or another connection has taken it over. */
  release(clientId: string, holder: object, isStored: boolean): 'ended' | 'lives on' {
    const session = this.#find(clientId)
    if (session?.holder !== holder) return 'lives on'
    const own = this.#users.get(session.username)
    this.end(clientId)
    if (!isStored || !own) return 'ended'
    // Set anew, it is the youngest of the stored ones.
    this.#users.set(session.username, own)
    this.#owners.set(clientId, session.username)
    own.set(clientId, { username: session.username, holder: undefined })
    return 'lives on'
  }

  /** A stored session came to its end, unless a connection has just taken it up. */
  expire(clientId: string): void {
    if (!this.#find(clientId)?.holder) this.end(clientId)
  }

  /** A session came to its end. */
  end(clientId: string): void {
    const username = this.#owners.get(clientId)
    if (username === undefined) return
    const own = this.#users.get(username)
    this.#owners.delete(clientId)
    own?.delete(clientId)
    if (own?.size === 0) this.#users.delete(username)
  }

  #find(clientId: string): Session | undefined {
    const username = this.#owners.get(clientId)
    return username === undefined ? undefined : this.#users.get(username)?.get(clientId)
  }

  #evictOldest(own: ReadonlyMap<string, Session>): boolean {
    for (const [clientId, session] of own) {
      if (session.holder) continue
      this.end(clientId)
      this.#onEvict(clientId)
      return true
    }
    return false
  }
}
