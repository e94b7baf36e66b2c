import type { Client } from 'aedes'
import { innerClient } from '../aedes-internals.ts'
import { parseNamedFilter } from '../shared-subscriptions.ts'
import { SessionRecord } from './session-record.ts'
import { SharedGroup } from './shared-group.ts'
import { nextStamp } from './stamps.ts'
import type { Store, StoredState, StoredSubscription } from './store.ts'
import { SubscriptionIndex } from './subscription-index.ts'

export interface Matching {
  readonly record: SessionRecord
  readonly subscription: StoredSubscription
}

/** What a message falls under: a client's own subscription, or one that several clients share. */
export type Match = Matching | SharedGroup

/** All sessions, by client id, and what they subscribe to. */
export class SessionRecords {
  readonly #store: Store
  readonly #onEnd: (record: SessionRecord) => Promise<void> | undefined
  readonly #records = new Map<string, SessionRecord>()
  readonly #index = new SubscriptionIndex<Match>()
  readonly #groups = new Map<string, SharedGroup>()
  #lastId: number

  /** A stored session is not forgotten before what `onEnd` gives has resolved. */
  constructor(store: Store, state: StoredState, onEnd: (record: SessionRecord) => Promise<void> | undefined) {
    this.#store = store
    this.#onEnd = onEnd
    this.#lastId = state.sessions.reduce((highest, { id }) => Math.max(highest, id), 0)
    const queues = new Map(state.queues.map((queue) => [queue.session, queue]))
    const received = Map.groupBy(state.received, ({ session }) => session)
    const byId = new Map<number, SessionRecord>()
    for (const session of state.sessions) {
      const packetIds = (received.get(session.id) ?? []).map(({ packetId }) => packetId)
      const record = new SessionRecord(session, true, queues.get(session.id), packetIds)
      this.#records.set(session.clientId, record)
      byId.set(session.id, record)
    }
    for (const subscription of state.subscriptions) {
      const record = byId.get(subscription.session)
      if (record) this.#note(record, subscription)
    }
  }

  get(clientId: string): SessionRecord | undefined {
    return this.#records.get(clientId)
  }

  all(): IterableIterator<SessionRecord> {
    return this.#records.values()
  }

  match(topic: string): Match[] {
    return this.#index.match(topic)
  }

  /** The members of a shared subscription (`$share/NAME/FILTER`), if there are any. */
  groupOf(share: string): SharedGroup | undefined {
    return this.#groups.get(share)
  }

  /**
   * Gives a client that logs in the session that it asks for; resolves when it is stored.
   * True if it takes up an existing one [MQTT-3.2.2-2].
   */
  async open(client: Client, username: string): Promise<boolean> {
    const { id: clientId, clean, sessionExpiryInterval: expirySeconds } = client
    const existing = this.#records.get(clientId)
    existing?.delivery?.stop()
    if (existing?.isStored && !innerClient(client)._cleanStart) {
      existing.expirySeconds = expirySeconds
      const { id, sent } = existing
      const session = { id, clientId, username, expirySeconds, endsAt: null, sent }
      // If this is lost, the session was left when the process ended: about now.
      this.#store.writeUntilDone([{ kind: 'session opened', session }]).catch(() => {})
      return true
    }
    const ended = existing && this.end(clientId)
    await Promise.all([ended, this.#create(clientId, username, expirySeconds, !clean)])
    return false
  }

  /** The session of a client id; for callers that do not log in first, a new one. */
  async require(clientId: string): Promise<SessionRecord> {
    const existing = this.#records.get(clientId)
    if (existing) return existing
    await this.#create(clientId, '', 0, true)
    return this.require(clientId)
  }

  /** The connection of a session that lives on has ended. */
  leave(client: Client, endsAt: number): void {
    const record = this.#records.get(client.id)
    if (!record) return
    record.noteProgress()
    record.delivery?.stop()
    record.delivery = undefined
    this.#store
      .writeUntilDone([{ kind: 'session left', session: record.id, endsAt, sent: record.sent }])
      .catch(() => {})
  }

  /** Forgets everything about a session, at once in memory. */
  async end(clientId: string): Promise<void> {
    const record = this.#records.get(clientId)
    if (!record) return
    record.delivery?.stop()
    this.#records.delete(clientId)
    for (const name of record.subscriptions.keys()) this.#detach(record, name)
    await this.#onEnd(record)
    if (record.isStored) await this.#store.writeUntilDone([{ kind: 'session ended', session: record.id }])
  }

  /** `isDue`: whether retained messages wait for a subscription that wants them. */
  async subscribe(
    record: SessionRecord,
    subscriptions: readonly StoredSubscription[],
    isDue: (subscription: StoredSubscription) => boolean,
  ): Promise<void> {
    if (record.isStored) {
      const rows = subscriptions.map((row) => (isDue(row) ? row : { ...row, retainedFrom: undefined }))
      await this.#store.write(rows.map((subscription) => ({ kind: 'subscribed', subscription })))
    }
    for (const subscription of subscriptions) {
      const isNew = subscription.retainedFrom === ''
      // From now on, what is published comes through the subscription.
      this.#note(record, isNew ? { ...subscription, retainedBefore: nextStamp() } : subscription)
    }
  }

  async unsubscribe(record: SessionRecord, filters: readonly string[]): Promise<void> {
    const held = filters.filter((filter) => record.subscriptions.has(filter))
    const session = record.id
    if (record.isStored && held.length > 0) {
      await this.#store.write(held.map((filter) => ({ kind: 'unsubscribed', session, filter })))
    }
    for (const name of held) {
      record.subscriptions.delete(name)
      record.retainedWalks.delete(name)
      this.#detach(record, name)
    }
  }

  async #create(clientId: string, username: string, expirySeconds: number, isStored: boolean): Promise<void> {
    const session = { id: ++this.#lastId, clientId, username, expirySeconds, endsAt: null, sent: 0 }
    const record = new SessionRecord(session, isStored)
    this.#records.set(clientId, record)
    if (!isStored) return
    try {
      await this.#store.write([{ kind: 'session opened', session }])
    } catch (error) {
      if (this.#records.get(clientId) === record) this.#records.delete(clientId)
      throw error
    }
  }

  #note(record: SessionRecord, subscription: StoredSubscription): void {
    const { clientId } = record
    // It may have ended while its subscription was being stored.
    if (this.#records.get(clientId) !== record) return
    const { filter: name, retainedFrom, retainedBefore = 0 } = subscription
    record.subscriptions.set(name, subscription)
    if (retainedFrom === undefined) record.retainedWalks.delete(name)
    else record.retainedWalks.set(name, { from: retainedFrom, before: retainedBefore })
    const { share, filter } = parseNamedFilter(name) ?? { share: undefined, filter: name }
    if (share === undefined) {
      this.#index.set(filter, keyOfClient(clientId), { record, subscription })
      return
    }
    const group = this.#groups.get(name) ?? new SharedGroup()
    this.#groups.set(name, group)
    group.set(clientId, { record, subscription })
    this.#index.set(filter, keyOfShare(share), group)
  }

  #detach({ clientId }: SessionRecord, name: string): void {
    const { share, filter } = parseNamedFilter(name) ?? { share: undefined, filter: name }
    if (share === undefined) {
      this.#index.delete(filter, keyOfClient(clientId))
      return
    }
    const group = this.#groups.get(name)
    group?.delete(clientId)
    if (!group?.isEmpty) return
    this.#groups.delete(name)
    this.#index.delete(filter, keyOfShare(share))
  }
}

function keyOfClient(clientId: string): string {
  return `client ${clientId}`
}

function keyOfShare(share: string): string {
  return `share ${share}`
}
