import type { AedesPublishPacket, Client } from 'aedes'
import type { Limits } from './limits.ts'
import { Delivery } from './store/delivery.ts'
import { handOver } from './store/handing-over.ts'
import { IncomingExchanges } from './store/incoming-exchanges.ts'
import { encodeMessage, type MessageDetails } from './store/message-codec.ts'
import { OutgoingQueues, type Placing } from './store/outgoing-queues.ts'
import { RetainedMessages } from './store/retained-messages.ts'
import { RetainedSending } from './store/retained-sending.ts'
import type { SessionRecord } from './store/session-record.ts'
import { SessionRecords } from './store/session-records.ts'
import { type Change, emptyState, type Store, type StoredState, StoreUnusable } from './store/store.ts'
import { type Target, targetsOf } from './store/targets.ts'
import { type OwnedWill, Wills } from './store/wills.ts'

/** What aedes is about to deliver. */
export type Publication = AedesPublishPacket & {
  messageExpiry?: number
  /** Who gets it, decided when it was stored. */
  targets?: readonly Target[]
}

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
  readonly #deliveries = new WeakMap<Client, Delivery>()
  readonly #resumed = new WeakSet<Client>()
  /** What a client's last message of a QoS waits for: those that need no store must not overtake it [MQTT-4.6.0-6]. */
  readonly #underway = new WeakMap<Client, (Promise<void> | undefined)[]>()

  constructor(options: PersistenceOptions) {
    this.options = options
    const parts = this.#parts(emptyState)
    this.retained = parts.retained
    this.queues = parts.queues
    this.sessions = parts.sessions
    this.#retainedSending = parts.retainedSending
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
    return { retained, queues, sessions, retainedSending }
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

  /** The wills whose delay is over. */
  dueWills(now: number): OwnedWill[] {
    return this.wills.due(now)
  }

  /**
   * Called by aedes, before a message is acknowledged and delivered: stores in one go what it leaves behind.
   * Undefined if that is nothing; rejects if it is not stored, or with `isDuplicate` if it was before.
   */
  storePublish(packet: Publication, client: Client | null, original: object): Promise<void> | undefined {
    const willOwner = this.wills.ownerOf(original)
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
    const { topic, qos, retain } = packet
    const publisher = client?.id ?? willOwner
    const fits = (record: SessionRecord) => this.queues.fits(record, packet)
    packet.targets = targetsOf(this.sessions.match(topic), { topic, qos, retain, publisher, fits })
    const retaining = retain ? this.#retain(packet, publisher) : undefined
    if (retaining) changes.push(retaining)
    const placing = qos > 0 ? this.#queue(packet) : undefined
    if (placing?.change) changes.push(placing.change)
    const taken = willOwner === undefined ? undefined : this.wills.take(willOwner)
    if (taken) changes.push(taken.change)

    const written = changes.length > 0 ? this.options.store.write(changes) : undefined
    exchange?.incoming.open(exchange.packetId, written)
    if (retaining && written) this.retained.settle(retaining, written).catch(ignore)
    let stored = written ?? this.#previous(client, qos)
    if (placing) stored = this.#settle(placing, stored)
    if (!written) return stored
    // Without a promise to keep it [MQTT-4.3.1], it is at least delivered.
    if (qos === 0) stored = stored?.catch(ignore)
    if (client && stored) this.#note(client, qos, stored)
    return stored
  }

  /** Hands what was placed to the connections as soon as it is stored. */
  #settle(placing: Placing, stored: Promise<void> | undefined): Promise<void> | undefined {
    if (!stored) {
      this.queues.stored(placing)
      return undefined
    }
    return stored.then(
      () => this.queues.stored(placing),
      (error) => {
        this.queues.cancelled(placing)
        throw error
      },
    )
  }

  /**
   * Called by aedes after the acknowledgement: gives the message to those who get it with QoS 0. What it resolves tells its
   * publisher to go on; undefined if nobody falls behind.
   */
  forward(packet: Publication): Promise<unknown> | undefined {
    const behind: Promise<void>[] = []
    for (const { record, qos, retain, identifiers } of packet.targets ?? []) {
      const { delivery } = record
      if (!delivery) continue
      if (qos === 0) {
        const { topic, payload } = packet
        delivery.send({ topic, payload, qos, retain, dup: false, identifiers, ...detailsOf(packet) })
      }
      const relief = delivery.relief()
      if (relief) behind.push(relief)
    }
    return behind.length === 0 ? undefined : Promise.all(behind)
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
    return this.recordOf(client)?.incoming ?? new IncomingExchanges()
  }

  #exchange(client: Client, original: object) {
    if (!('messageId' in original) || typeof original.messageId !== 'number') return undefined
    const record = this.recordOf(client)
    const session = record?.isStored ? record.id : undefined
    return { incoming: this.incomingOf(client), session, packetId: original.messageId }
  }

  #retain(packet: Publication, publisher: string | undefined) {
    // A `#` subscription would get what is retained below `$CONTROL` or `$SYS`.
    if (packet.topic.startsWith('$')) return undefined
    const { topic, payload, cmd, qos, retain } = packet
    const details = { cmd, qos, retain, ...(publisher !== undefined && { publisher }), ...detailsOf(packet) }
    const change = this.retained.change(encodeMessage(topic, payload, details))
    if (!change) this.options.onFull('retained', topic)
    return change
  }

  #queue(packet: Publication): Placing | undefined {
    const targets = packet.targets?.filter(({ qos }) => qos > 0) ?? []
    if (targets.length === 0) return undefined
    // Another member of a shared subscription may get it later, with more than this one was granted.
    const published = targets.some(({ share }) => share !== undefined) ? { qos: packet.qos } : {}
    const message = encodeMessage(packet.topic, packet.payload, { ...published, ...detailsOf(packet) })
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
