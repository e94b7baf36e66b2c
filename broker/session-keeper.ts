import type { Client } from 'aedes'
import { innerClient } from './aedes-internals.ts'
import type { AedesPersistence } from './aedes-persistence.ts'
import type { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import type { LoginResult } from './login.ts'
import type { User } from './rights.ts'
import { Sessions } from './sessions.ts'
import { Turns } from './turns.ts'
import type { WillKeeper } from './will-keeper.ts'

const IDENTIFIER_REJECTED = 2
const SERVER_UNAVAILABLE = 3
const SESSION_TAKEN_OVER = 0x8e

interface KeeperOptions {
  readonly persistence: AedesPersistence
  readonly wills: WillKeeper
  readonly limits: Limits
  readonly journal: Journal
}

/** Gives connections their sessions, keeps those that outlive them, and ends them. */
export class SessionKeeper {
  readonly #persistence: AedesPersistence
  readonly #sessions: Sessions<Client>
  /** Between a login and its arrival, so that of many with one client id the last one has the session. */
  readonly #turns = new Turns()
  readonly #finishers = new WeakMap<Client, () => void>()
  readonly #wills: WillKeeper
  /** Told that a connection that was taken over has left. */
  readonly #successors = new WeakMap<Client, () => void>()

  constructor({ persistence, wills, limits, journal }: KeeperOptions) {
    this.#persistence = persistence
    this.#wills = wills
    this.#sessions = new Sessions(limits, (clientId, why) => {
      this.#end(clientId)
      if (why === 'evicted') journal.write('limited', { what: 'session', clientId })
    })
  }

  /** Takes up what an earlier run has stored. What was connected at its end is taken to have ended now. */
  restore(): void {
    const now = Date.now()
    for (const { clientId, username, endsAt, expirySeconds } of this.#persistence.storedSessions()) {
      this.#sessions.restore(clientId, username, endsAt ?? now + expirySeconds * 1000)
    }
  }

  /** Gives a user that has logged in the session it asks for. */
  async admit(client: Client, user: User): Promise<LoginResult> {
    const finish = await this.#turns.take(client.id)
    this.#finishers.set(client, finish)
    const result = await this.#open(client, user)
    if (!('user' in result)) finish()
    return result
  }

  /** The client has its CONNACK: only then its own successor can tell it why it must go. */
  arrived(client: Client): void {
    this.#finishers.get(client)?.()
  }

  /** The connection of a client that was admitted has ended; aedes has done with it. */
  left(client: Client): void {
    this.#finishers.get(client)?.()
    const endsAt = Date.now() + client.sessionExpiryInterval * 1000
    const isStored = !client.clean && client.sessionExpiryInterval > 0 && this.#persistence.isStored(client.id)
    const outcome = this.#sessions.release(client.id, client, isStored ? endsAt : undefined)
    if (outcome === 'ended') this.#end(client.id)
    if (outcome === 'stored') this.#persistence.leave(client, endsAt)
    this.#successors.get(client)?.()
  }

  /** Ends the sessions whose time is over. */
  expire(): void {
    this.#sessions.expire(Date.now())
  }

  async #open(client: Client, user: User): Promise<LoginResult> {
    const holder = this.#sessions.holderOf(client.id, user.name)
    if (holder) await this.#takeOver(holder)
    if (client.closed) return { refused: 'left before the answer', returnCode: SERVER_UNAVAILABLE }
    switch (this.#sessions.claim(client.id, user.name, client)) {
      case "another user's":
        return { refused: "the client id belongs to another user's session", returnCode: IDENTIFIER_REJECTED }
      case 'too many':
        return { refused: 'too many sessions', returnCode: SERVER_UNAVAILABLE }
      case 'granted':
    }
    try {
      await this.#persistence.open(client, user.name)
    } catch (error) {
      this.left(client)
      const reason = error instanceof Error ? error.message : String(error)
      return { refused: `the session is ${reason}`, returnCode: SERVER_UNAVAILABLE }
    }
    if (this.#persistence.isResumed(client)) {
      // It is a stored one, even if it ends with this connection (Clean Start 0, Session Expiry Interval 0).
      innerClient(client).clean = false
      this.#wills.sessionResumed(client.id)
    } else {
      this.#wills.sessionEnded(client.id)
    }
    if (!client.closed) return { user }
    this.left(client)
    return { refused: 'left before the answer', returnCode: SERVER_UNAVAILABLE }
  }

  /** Sends the connection away that has the session [MQTT-3.1.4-3]; resolves when it has left, its will published or waiting. */
  #takeOver(holder: Client): Promise<void> {
    return new Promise((resolve) => {
      this.#successors.set(holder, resolve)
      holder.disconnect({ reasonCode: SESSION_TAKEN_OVER })
    })
  }

  #end(clientId: string): void {
    // Where that fails, the store tells and tries again.
    this.#persistence.endSession(clientId).catch(() => {})
    this.#wills.sessionEnded(clientId)
  }
}
