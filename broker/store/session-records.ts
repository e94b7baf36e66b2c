import type { Client, Subscription } from 'aedes'
import { innerClient } from '../aedes-internals.ts'
import { SessionRecord } from './session-record.ts'
import type { Store, StoredState, StoredSubscription } from './store.ts'
import { SubscriptionIndex } from './subscription-index.ts'

export interface Matching {
  readonly record: SessionRecord
  readonly subscription: StoredSubscription
}

/** The sessions that outlive their connections, by client id, and what they subscribe to. */
export class SessionRecords {
  readonly #store: Store
  readonly #onEnd: (record: SessionRecord) => void
  readonly #records = new Map<string, SessionRecord>()
  readonly #index = new SubscriptionIndex<Matching>()
  #lastId: number

  constructor(store: Store, state: StoredState, onEnd: (record: SessionRecord) => void) {
    this.#store = store
    this.#onEnd = onEnd
    this.#lastId = state.sessions.reduce((highest, { id }) => Math.max(highest, id), 0)
    const queues = new Map(state.queues.map((queue) => [queue.session, queue]))
    const received = Map.groupBy(state.received, ({ session }) => session)
    const byId = new Map<number, SessionRecord>()
    for (const session of state.sessions) {
      const packetIds = (received.get(session.id) ?? []).map(({ packetId }) => packetId)
      const record = new SessionRecord(session, queues.get(session.id), packetIds)
      this.#records.set(session.clientId, record)
      byId.set(session.id, record)
    }
    for (const subscription of state.subscriptions) {
      const record = byId.get(subscription.session)
      if (record) this.#note(record, subscription)
    }
  }

  get subscriptionCount(): number {
    return this.#index.size
  }

  get(clientId: string): SessionRecord | undefined {
    return this.#records.get(clientId)
  }

  all(): IterableIterator<SessionRecord> {
    return this.#records.values()
  }

  match(topic: string): Matching[] {
    return this.#index.match(topic)
  }

  /**
   * Gives a client that logs in the session that it asks for; resolves when it is stored.
   * True if it takes up an existing one [MQTT-3.2.2-2].
   */
  async open(client: Client, username: string): Promise<boolean> {
    const { id: clientId, clean, sessionExpiryInterval: expirySeconds } = client
    const existing = this.#records.get(clientId)
    existing?.delivery?.stop()
    if (existing && !innerClient(client)._cleanStart) {
      existing.expirySeconds = expirySeconds
      const { id, sent } = existing
      const session = { id, clientId, username, expirySeconds, endsAt: null, sent }
      // If this is lost, the session was left when the process ended: about now.
      this.#store.writeUntilDone([{ kind: 'session opened', session }]).catch(() => {})
      return true
    }
    const ended = existing && this.end(clientId)
    const opened = clean ? undefined : this.#create(clientId, username, expirySeconds)
    await Promise.all([ended, opened])
    return false
  }

  /** The session of a client id; for callers that do not log in first, a new one. */
  async require(clientId: string): Promise<SessionRecord> {
    const existing = this.#records.get(clientId)
    if (existing) return existing
    await this.#create(clientId, '', 0)
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
    this.#onEnd(record)
    this.#records.delete(clientId)
    for (const filter of record.subscriptions.keys()) this.#index.delete(filter, clientId)
    await this.#store.writeUntilDone([{ kind: 'session ended', session: record.id }])
  }

  async subscribe(record: SessionRecord, subscriptions: readonly Subscription[]): Promise<void> {
    const wanted = subscriptions.map((subscription) => toStored(record, subscription))
    await this.#store.write(wanted.map((subscription) => ({ kind: 'subscribed', subscription })))
    for (const subscription of wanted) this.#note(record, subscription)
  }

  async unsubscribe(record: SessionRecord, filters: readonly string[]): Promise<void> {
    const held = filters.filter((filter) => record.subscriptions.has(filter))
    if (held.length === 0) return
    const session = record.id
    await this.#store.write(held.map((filter) => ({ kind: 'unsubscribed', session, filter })))
    for (const filter of held) {
      record.subscriptions.delete(filter)
      this.#index.delete(filter, record.clientId)
    }
  }

  async #create(clientId: string, username: string, expirySeconds: number): Promise<void> {
    const session = { id: ++this.#lastId, clientId, username, expirySeconds, endsAt: null, sent: 0 }
    const record = new SessionRecord(session)
    this.#records.set(clientId, record)
    try {
      await this.#store.write([{ kind: 'session opened', session }])
    } catch (error) {
      if (this.#records.get(clientId) === record) this.#records.delete(clientId)
      throw error
    }
  }

  #note(record: SessionRecord, subscription: StoredSubscription): void {
    // It may have ended while its subscription was being stored.
    if (this.#records.get(record.clientId) !== record) return
    record.subscriptions.set(subscription.filter, subscription)
    // Messages with QoS 0 do not wait for anybody.
    if (subscription.qos > 0) this.#index.set(subscription.filter, record.clientId, { record, subscription })
    else this.#index.delete(subscription.filter, record.clientId)
  }
}

function toStored(record: SessionRecord, subscription: Subscription): StoredSubscription {
  const { topic: filter, qos, rh, rap, nl } = subscription
  const identifier =
    'subscriptionIdentifier' in subscription && typeof subscription.subscriptionIdentifier === 'number'
      ? subscription.subscriptionIdentifier
      : undefined
  return {
    session: record.id,
    filter,
    qos,
    retainHandling: rh,
    retainAsPublished: rap,
    noLocal: nl,
    identifier,
  }
}
