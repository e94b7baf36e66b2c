import type { Limits } from './limits.ts'

type SessionLimits = Pick<Limits, 'sessions' | 'sessionsPerUser'>

interface Session<Holder> {
  readonly username: string
  /** The connection that holds the session, if one does. */
  holder: Holder | undefined
  /** Without a connection: when it ends, milliseconds since 1970. */
  readonly endsAt: number
}

export type Claim = 'granted' | "another user's" | 'too many'

/**
 * Which user each client id belongs to, as long as its session lives: nobody may take over another user's session.
 * Also bounds how many sessions there are; a user's own oldest stored session makes room for a new one.
 */
export class Sessions<Holder extends object = object> {
  readonly #limits: SessionLimits
  readonly #onEnd: (clientId: string, why: 'evicted' | 'expired') => void
  readonly #users = new Map<string, Map<string, Session<Holder>>>()
  readonly #owners = new Map<string, string>()

  /** Told of every stored session that ends in here. */
  constructor(limits: SessionLimits, onEnd: (clientId: string, why: 'evicted' | 'expired') => void) {
    this.#limits = limits
    this.#onEnd = onEnd
  }

  /** A session that an earlier run of the broker has stored; the youngest comes last. */
  restore(clientId: string, username: string, endsAt: number): void {
    this.#set(clientId, { username, holder: undefined, endsAt })
  }

  /** The connection that holds the session of a client id of this user, if one does. */
  holderOf(clientId: string, username: string): Holder | undefined {
    return this.#users.get(username)?.get(clientId)?.holder
  }

  /** Takes the session of a client id for a user's connection. */
  claim(clientId: string, username: string, holder: Holder): Claim {
    this.#expireIfDue(clientId, Date.now())
    const owner = this.#owners.get(clientId)
    if (owner !== undefined && owner !== username) return "another user's"
    const own = this.#users.get(username) ?? new Map<string, Session<Holder>>()
    const session = own.get(clientId)
    if (session) {
      session.holder = holder
      return 'granted'
    }
    const full = own.size >= this.#limits.sessionsPerUser || this.#owners.size >= this.#limits.sessions
    if (full && !this.#evictOldest(own)) return 'too many'
    this.#set(clientId, { username, holder, endsAt: 0 })
    return 'granted'
  }

  /**
   * A connection ended; its session ends with it unless it is stored (until `endsAt`, milliseconds since 1970) or another
   * connection has taken it over.
   */
  release(clientId: string, holder: Holder, endsAt: number | undefined): 'ended' | 'stored' | 'taken over' {
    const session = this.#find(clientId)
    if (session?.holder !== holder) return 'taken over'
    this.end(clientId)
    if (endsAt === undefined) return 'ended'
    // Set anew, it is the youngest of the stored ones.
    this.#set(clientId, { username: session.username, holder: undefined, endsAt })
    return 'stored'
  }

  /** Ends the stored sessions whose time is over. */
  expire(now: number): void {
    for (const clientId of [...this.#owners.keys()]) this.#expireIfDue(clientId, now)
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

  #expireIfDue(clientId: string, now: number): void {
    const session = this.#find(clientId)
    if (!session || session.holder || session.endsAt > now) return
    this.end(clientId)
    this.#onEnd(clientId, 'expired')
  }

  #set(clientId: string, session: Session<Holder>): void {
    const own = this.#users.get(session.username) ?? new Map<string, Session<Holder>>()
    this.#users.set(session.username, own)
    this.#owners.set(clientId, session.username)
    own.set(clientId, session)
  }

  #find(clientId: string): Session<Holder> | undefined {
    const username = this.#owners.get(clientId)
    return username === undefined ? undefined : this.#users.get(username)?.get(clientId)
  }

  #evictOldest(own: ReadonlyMap<string, Session<Holder>>): boolean {
    for (const [clientId, session] of own) {
      if (session.holder) continue
      this.end(clientId)
      this.#onEnd(clientId, 'evicted')
      return true
    }
    return false
  }
}
