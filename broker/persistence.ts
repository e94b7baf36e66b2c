import type { Client } from 'aedes'
import type { Limits } from './limits.ts'
import { Delivery } from './store/delivery.ts'
import { ExpirySweep } from './store/expiry-sweep.ts'
import { handOver } from './store/handing-over.ts'
import { IncomingExchanges } from './store/incoming-exchanges.ts'
import { OutgoingQueues } from './store/outgoing-queues.ts'
import { RetainedMessages } from './store/retained-messages.ts'
import { RetainedSending } from './store/retained-sending.ts'
import type { SessionRecord } from './store/session-record.ts'
import { SessionRecords } from './store/session-records.ts'
import { emptyState, type Store, type StoredState, type StoredSubscription, StoreUnusable } from './store/store.ts'
import { type OwnedWill, Wills } from './store/wills.ts'

export interface PersistenceOptions {
  readonly store: Store
  readonly limits: Limits
  readonly usernameOf: (client: Client) => string
  /** Whether a client's user may have messages of a topic, now. */
  readonly mayReceive: (client: Client, topic: string) => boolean
  /** Told when a limit kept a message from being stored. */
  readonly onFull: (what: 'retained' | 'queued', topic: string) => void
  /** A client does not take what it has subscribed to: its connection has to end. */
  readonly onStalled: (client: Client) => void
  readonly onError: (error: Error) => void
  /** The store cannot be opened: from now on nothing is stored. */
  readonly onUnusable: (error: StoreUnusable) => void
}

const ignore = () => {}

/** What the broker remembers over its own end, as far as the broker itself asks for it; see aedes-persistence.ts for the rest. */
export class Persistence {
  protected readonly options: PersistenceOptions
  sessions: SessionRecords
  protected retained: RetainedMessages
  protected queues: OutgoingQueues
  protected wills = new Wills([], 0, '')
  #retainedSending: RetainedSending
  #expirySweep: ExpirySweep
  readonly #deliveries = new WeakMap<Client, Delivery>()
  readonly #resumed = new WeakSet<Client>()

  constructor(options: PersistenceOptions) {
    this.options = options
    const parts = this.#parts(emptyState)
    this.retained = parts.retained
    this.queues = parts.queues
    this.sessions = parts.sessions
    this.#retainedSending = parts.retainedSending
    this.#expirySweep = parts.expirySweep
  }

  #parts(state: StoredState) {
    const { store, limits, onFull, onError } = this.options
    const retained = new RetainedMessages(limits, state.retained)
    const queues = new OutgoingQueues(store, limits, state.queues)
    const sessions = new SessionRecords(store, state, (record) => {
      const handedOver = handOver({ store, queues, groupOf: (share) => sessions.groupOf(share) }, record)
      queues.ended(record)
      return handedOver?.catch(onError)
    })
    const retainedSending = new RetainedSending({
      store,
      limits,
      retained,
      queues,
      onError,
      onFull: (topic) => onFull('queued', topic),
    })
    const expirySweep = new ExpirySweep({ store, sessions, queues, retained })
    return { retained, queues, sessions, retainedSending, expirySweep }
  }

  /** Reads what was stored. */
  async setup(broker: { readonly id: string }): Promise<void> {
    const { store, onUnusable } = this.options
    try {
      const state = await store.load()
      const parts = this.#parts(state)
      this.retained = parts.retained
      this.queues = parts.queues
      this.sessions = parts.sessions
      this.#retainedSending = parts.retainedSending
      this.#expirySweep = parts.expirySweep
      this.wills = new Wills(state.wills, Date.now(), broker.id)
    } catch (error) {
      if (!(error instanceof StoreUnusable)) throw error
      onUnusable(error)
    }
  }

  storedSessions(): Iterable<SessionRecord> {
    return this.sessions.all()
  }

  isStored(clientId: string): boolean {
    return this.sessions.get(clientId)?.isStored === true
  }

  /** Prepares the session that a client asks for; rejects if a new one cannot be stored. */
  async open(client: Client, username: string): Promise<void> {
    if (await this.sessions.open(client, username)) this.#resumed.add(client)
    const record = this.sessions.get(client.id)
    if (!record) return
    const { store, limits, onError, onStalled } = this.options
    const delivery = new Delivery({
      client,
      record,
      store,
      limits,
      onError,
      onStalled: () => onStalled(client),
      mayReceive: (topic) => this.options.mayReceive(client, topic),
      remove: (sequence, size) => this.queues.remove(record, sequence, size).catch(ignore),
    })
    record.delivery = delivery
    this.#deliveries.set(client, delivery)
  }

  /** Whether a client's session existed before. */
  isResumed(client: Client): boolean {
    return this.#resumed.has(client)
  }

  /** The client has its CONNACK: what waits for it is sent. */
  deliver(client: Client): void {
    const delivery = this.#deliveries.get(client)
    if (!delivery) return
    delivery.start()
    this.#retainedSending.start(delivery)
  }

  /** Takes effect when it is stored; rejects, and changes nothing, if it cannot be. */
  async subscribe(record: SessionRecord, subscriptions: readonly StoredSubscription[]): Promise<void> {
    // What has nothing to be sent needs no note of it on disk.
    const isDue = (subscription: StoredSubscription) => this.retained.mayMatch(subscription.filter)
    await this.sessions.subscribe(record, subscriptions, isDue)
  }

  /** Before the SUBACK: so what is retained can come before anything that is published when the client has it. */
  async prepareRetained(client: Client): Promise<void> {
    const delivery = this.#deliveries.get(client)
    if (delivery) await this.#retainedSending.prepare(delivery)
  }

  /** The client has its SUBACK: it gets the retained messages that it has asked for. */
  deliverRetained(client: Client): void {
    const delivery = this.#deliveries.get(client)
    if (delivery) this.#retainedSending.start(delivery)
  }

  protected deliveryOf(client: Client): Delivery | undefined {
    return this.#deliveries.get(client)
  }

  /** The session that a client has or, if it has none yet, is about to take up. */
  recordOf(client: Client): SessionRecord | undefined {
    return this.#deliveries.get(client)?.record ?? this.sessions.get(client.id)
  }

  leave(client: Client, endsAt: number): void {
    this.sessions.leave(client, endsAt)
  }

  /** Forgets everything about a session but its will. */
  async endSession(clientId: string): Promise<void> {
    await this.sessions.end(clientId)
  }

  willOf(clientId: string): OwnedWill | undefined {
    return this.wills.get(clientId)
  }

  /** The connection of a client has ended; its will waits until `dueAt` (milliseconds since 1970). */
  delayWill(clientId: string, dueAt: number): void {
    this.options.store.writeUntilDone([this.wills.delay(clientId, dueAt)]).catch(ignore)
  }

  /** The will of a client that waits, if there is one, waits no longer. */
  endWill(clientId: string): OwnedWill | undefined {
    return this.wills.end(clientId)
  }

  /** Takes out of the store what has expired; nobody needs to wait for it. */
  sweepExpired(): void {
    // Where that fails, the next time is soon.
    this.#expirySweep.sweep(Date.now()).catch(ignore)
  }

  /** The wills whose delay is over. */
  dueWills(now: number): OwnedWill[] {
    return this.wills.due(now)
  }

  protected incomingOf(client: Client): IncomingExchanges {
    return this.recordOf(client)?.incoming ?? new IncomingExchanges()
  }
}
