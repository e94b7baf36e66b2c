import type { AedesPublishPacket, Client } from 'aedes'
import type { Limits } from './limits.ts'
import { Delivery } from './store/delivery.ts'
import { IncomingExchanges } from './store/incoming-exchanges.ts'
import { encodeMessage, type MessageDetails } from './store/message-codec.ts'
import { OutgoingQueues } from './store/outgoing-queues.ts'
import { RetainedMessages } from './store/retained-messages.ts'
import type { SessionRecord } from './store/session-record.ts'
import { SessionRecords } from './store/session-records.ts'
import { type Change, emptyState, type Store, StoreUnusable } from './store/store.ts'
import { targetsOf } from './store/targets.ts'
import { type LeftWill, Wills } from './store/wills.ts'

/** What aedes is about to deliver. */
export type Publication = AedesPublishPacket & { messageExpiry?: number; queuedFor?: ReadonlySet<string> }

export interface PersistenceOptions {
  readonly store: Store
  readonly limits: Limits
  readonly usernameOf: (client: Client) => string
  /** Whether a client's user may have messages of a topic, now. */
  readonly mayReceive: (client: Client, topic: string) => boolean
  /** Told when a limit kept a message from being stored. */
  readonly onFull: (what: 'retained' | 'queued', topic: string) => void
  readonly onError: (error: Error) => void
  /** The store cannot be opened: from now on nothing is stored. */
  readonly onUnusable: (error: StoreUnusable) => void
}

const ignore = () => {}

/** What the broker remembers over its own end, as far as the broker itself asks for it; see aedes-persistence.ts for the rest. */
export class Persistence {
  protected readonly options: PersistenceOptions
  protected sessions: SessionRecords
  protected retained: RetainedMessages
  protected queues: OutgoingQueues
  protected wills = new Wills([], 0, '')
  /** Of sessions that end with their connection. */
  readonly #incoming = new WeakMap<Client, IncomingExchanges>()
  readonly #deliveries = new WeakMap<Client, Delivery>()
  readonly #resumed = new WeakSet<Client>()
  /** What a client's last message of a QoS waits for: those that need no store must not overtake it [MQTT-4.6.0-6]. */
  readonly #underway = new WeakMap<Client, (Promise<void> | undefined)[]>()

  constructor(options: PersistenceOptions) {
    this.options = options
    const { store, limits } = options
    this.retained = new RetainedMessages(limits)
    this.queues = new OutgoingQueues(store, limits, [])
    this.sessions = new SessionRecords(store, emptyState, (record) => this.queues.ended(record))
  }

  /** Reads what was stored. */
  async setup(broker: { readonly id: string }): Promise<void> {
    const { store, limits, onUnusable } = this.options
    try {
      const state = await store.load()
      this.sessions = new SessionRecords(store, state, (record) => this.queues.ended(record))
      this.retained = new RetainedMessages(limits, state.retained)
      this.queues = new OutgoingQueues(store, limits, state.queues)
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
    return this.sessions.get(clientId) !== undefined
  }

  /** Prepares the session that a client asks for; rejects if a new one cannot be stored. */
  async open(client: Client, username: string): Promise<void> {
    if (await this.sessions.open(client, username)) this.#resumed.add(client)
    const record = this.sessions.get(client.id)
    if (!record) return
    const { store, limits, onError } = this.options
    const delivery = new Delivery({
      client,
      record,
      store,
      limits,
      onError,
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
    this.#deliveries.get(client)?.start()
  }

  protected deliveryOf(client: Client): Delivery | undefined {
    return this.#deliveries.get(client)
  }

  /** For a message that is sent past a session's queue: a packet identifier that the queue does not use; null if none is free. */
  identify(client: Client, packet: AedesPublishPacket): AedesPublishPacket | null {
    const delivery = packet.qos > 0 ? this.#deliveries.get(client) : undefined
    if (!delivery) return packet
    const messageId = delivery.reserve()
    return messageId === undefined ? null : Object.assign(packet, { messageId })
  }

  leave(client: Client, endsAt: number): void {
    this.sessions.leave(client, endsAt)
  }

  /** Forgets everything about a session but its will. */
  async endSession(clientId: string): Promise<void> {
    await this.sessions.end(clientId)
  }

  /** Wills of an earlier run whose time has come. */
  dueWills(): LeftWill[] {
    return this.wills.due(Date.now())
  }

  /**
   * Called by aedes, before a message is acknowledged and delivered: stores in one go what it leaves behind.
   * Undefined if that is nothing; rejects if it is not stored, or with `isDuplicate` if it was before.
   */
  storePublish(packet: Publication, client: Client | null, original: object): Promise<void> | undefined {
    const willOwner = this.wills.ownerOf(original)
    if (packet.qos === 0 && !packet.retain && willOwner === undefined) return this.#previous(client, 0)
    const changes: Change[] = []
    const exchange =
      packet.qos === 2 && client && willOwner === undefined ? this.#exchange(client, original) : undefined
    if (exchange) {
      const earlier = exchange.incoming.earlier(exchange.packetId)
      if (earlier) return earlier.then(rejectDuplicate)
      if (exchange.incoming.size >= this.options.limits.halfOpenQoS2) {
        return Promise.reject(new Error('too many QoS 2 publishes are not released'))
      }
      if (exchange.session !== undefined) {
        changes.push({ kind: 'received', session: exchange.session, packetId: exchange.packetId })
      }
    }
    const retaining = packet.retain ? this.#retain(packet) : undefined
    if (retaining) changes.push(retaining)
    const placing = packet.qos > 0 ? this.#queue(packet, client) : undefined
    if (placing) changes.push(placing.change)
    const taken = willOwner === undefined ? undefined : this.wills.take(willOwner)
    if (taken) changes.push(taken.change)
    if (changes.length === 0) {
      exchange?.incoming.open(exchange.packetId, undefined)
      return this.#previous(client, packet.qos)
    }

    const written = this.options.store.write(changes)
    exchange?.incoming.open(exchange.packetId, written)
    if (retaining) this.retained.settle(retaining, written).catch(ignore)
    let stored = written
    if (placing) {
      stored = written.then(
        () => this.queues.stored(placing),
        (error) => {
          this.queues.cancelled(placing)
          throw error
        },
      )
    }
    // Without a promise to keep it [MQTT-4.3.1], it is at least delivered.
    if (packet.qos === 0) stored = stored.catch(ignore)
    if (client) this.#note(client, packet.qos, stored)
    return stored
  }

  #previous(client: Client | null, qos: number): Promise<void> | undefined {
    return client ? this.#underway.get(client)?.[qos] : undefined
  }

  #note(client: Client, qos: number, stored: Promise<void>): void {
    const underway = this.#underway.get(client) ?? []
    this.#underway.set(client, underway)
    // One that failed holds up nothing.
    const settled = stored.catch(ignore)
    underway[qos] = settled
    void settled.then(() => {
      if (underway[qos] === settled) underway[qos] = undefined
    })
  }

  protected incomingOf(client: Client): IncomingExchanges {
    const exchanges = this.sessions.get(client.id)?.incoming ?? this.#incoming.get(client) ?? new IncomingExchanges()
    if (!this.isStored(client.id)) this.#incoming.set(client, exchanges)
    return exchanges
  }

  #exchange(client: Client, original: object) {
    if (!('messageId' in original) || typeof original.messageId !== 'number') return undefined
    const session = this.sessions.get(client.id)?.id
    return { incoming: this.incomingOf(client), session, packetId: original.messageId }
  }

  #retain(packet: Publication) {
    // A `#` subscription would get what is retained below `$CONTROL` or `$SYS`.
    if (packet.topic.startsWith('$')) return undefined
    const { topic, payload, cmd, qos, retain } = packet
    const change = this.retained.change(encodeMessage(topic, payload, { cmd, qos, retain, ...detailsOf(packet) }))
    if (!change) this.options.onFull('retained', topic)
    return change
  }

  #queue(packet: Publication, client: Client | null) {
    const matching = this.sessions.match(packet.topic)
    if (matching.length === 0) return undefined
    const targets = targetsOf(matching, packet, client?.id)
    packet.queuedFor = new Set(targets.map(({ record }) => record.clientId))
    const message = encodeMessage(packet.topic, packet.payload, detailsOf(packet))
    const { placing, full } = this.queues.place(targets, message)
    if (full > 0) this.options.onFull('queued', packet.topic)
    return placing
  }
}

function detailsOf({ properties, messageExpiry }: Publication): MessageDetails {
  return { ...(properties ? { properties } : {}), ...(messageExpiry === undefined ? {} : { messageExpiry }) }
}

function rejectDuplicate(): never {
  throw Object.assign(new Error('received before'), { isDuplicate: true })
}
