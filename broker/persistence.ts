import { Readable } from 'node:stream'
import type { AedesPublishPacket, Client, Subscription } from 'aedes'
import MemoryPersistence from 'aedes-persistence/asyncPersistence.js'
import type { Limits } from './limits.ts'
import { type OutgoingPacket, OutgoingQueues } from './outgoing-queues.ts'
import { RetainedMessages } from './retained-messages.ts'

type Qos = AedesPublishPacket['qos']
type Session = Pick<Client, 'id'>
type Identified = { readonly messageId?: number | undefined }
type Enqueued = AedesPublishPacket & { readonly nl?: boolean; readonly clientId?: string }
type Will = Parameters<MemoryPersistence['putWill']>[1]
type Matching = Awaited<ReturnType<MemoryPersistence['subscriptionsByTopic']>>[number]

interface PersistenceOptions {
  readonly limits: Limits
  /** aedes hands over all subscriptions of a SUBSCRIBE, the refused ones too. */
  readonly mayStore: (client: Client, filter: string) => boolean
  /** Told when a limit kept a message from being stored. */
  readonly onFull: (what: 'retained' | 'queued', topic: string) => void
}

/**
 * What the broker remembers, in memory: sessions, queued and retained messages end with the process.
 * Subscriptions and wills are aedes-persistence's; the rest is bounded here, leaves nothing behind for clients that are gone,
 * and never rejects where aedes would not catch it.
 */
export class Persistence extends MemoryPersistence {
  readonly #options: PersistenceOptions
  readonly #retained: RetainedMessages
  readonly #outgoing: OutgoingQueues
  /** Packet identifiers of QoS 2 publishes that were received and not released: all that is needed to see a repetition. */
  readonly #incoming = new Map<string, Set<number>>()

  constructor(options: PersistenceOptions) {
    super()
    this.#options = options
    this.#retained = new RetainedMessages(options.limits)
    this.#outgoing = new OutgoingQueues(options.limits)
  }

  // aedes insists on an async function.
  override async setup(broker: { id: string }): Promise<void> {
    await super.setup(broker)
  }

  /** Forgets everything about a session. */
  async endSession(clientId: string): Promise<void> {
    await this.cleanSubscriptions({ id: clientId })
    await this.delWill({ id: clientId })
  }

  /** Called by aedes on every clean start and at a session's end: nothing of the old session may meet the new one [MQTT-3.1.2-6]. */
  override async cleanSubscriptions(client: Session): Promise<void> {
    this.#incoming.delete(client.id)
    this.#outgoing.clear(client.id)
    await super.cleanSubscriptions(client)
  }

  override async addSubscriptions(client: Client, subscriptions: Subscription[]): Promise<void> {
    const allowed = subscriptions.filter(({ topic }) => this.#options.mayStore(client, topic))
    if (allowed.length > 0) await super.addSubscriptions(client, allowed)
  }

  async storeRetained(packet: AedesPublishPacket): Promise<void> {
    if (!this.#retained.store(packet)) this.#options.onFull('retained', packet.topic)
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#retained.find(filters))
  }

  async outgoingEnqueue(subscription: { clientId: string }, packet: AedesPublishPacket): Promise<void> {
    await this.outgoingEnqueueCombi([{ ...subscription, topic: packet.topic, qos: packet.qos }], packet)
  }

  /** Queues one copy per client, however many of its subscriptions match, with the highest QoS they grant. */
  async outgoingEnqueueCombi(subscriptions: readonly Matching[], packet: AedesPublishPacket): Promise<void> {
    const granted = new Map<string, Qos>()
    for (const { clientId, qos } of subscriptions) {
      if (qos >= (granted.get(clientId) ?? 0)) granted.set(clientId, qos)
    }
    // The payload is a view of everything that came in one read: copied once, it keeps only itself in memory.
    const payload = granted.size > 0 ? Buffer.from(packet.payload) : packet.payload
    for (const [clientId, qos] of granted) {
      const copy = { ...packet, payload, qos: lower(packet.qos, qos) }
      if (!this.#outgoing.add(clientId, copy)) this.#options.onFull('queued', packet.topic)
    }
  }

  async outgoingUpdate(client: Session, packet: OutgoingPacket): Promise<void> {
    this.#outgoing.update(client.id, packet)
  }

  async outgoingClearMessageId(client: Session, packet: Enqueued): Promise<OutgoingPacket | undefined> {
    if (packet.messageId !== undefined) return this.#outgoing.removeAcknowledged(client.id, packet.messageId)
    // Without an identifier aedes asks this for every message that it will not forward. That is a duplicate of one that is just
    // being sent and must stay, or the client's own message that it does not want back.
    if (packet.nl && packet.clientId === client.id) this.#outgoing.removeMessage(client.id, packet)
    return undefined
  }

  /** Takes a message out of a session's queue that its user may not receive. */
  withhold(clientId: string, packet: AedesPublishPacket): void {
    this.#outgoing.removeMessage(clientId, packet)
  }

  outgoingStream(client: Session): Readable {
    return Readable.from(this.#outgoing.list(client.id))
  }

  async incomingStorePacket(client: Session, packet: Identified): Promise<void> {
    const open = this.#incoming.get(client.id) ?? new Set()
    if (open.size >= this.#options.limits.halfOpenQoS2) throw new Error('too many QoS 2 publishes are not released')
    open.add(packet.messageId ?? 0)
    this.#incoming.set(client.id, open)
  }

  async incomingGetPacket(client: Session, packet: Identified): Promise<Identified> {
    if (!this.#incoming.get(client.id)?.has(packet.messageId ?? 0)) throw new Error('no such packet')
    return { messageId: packet.messageId }
  }

  /** Never rejects: aedes does not catch that, and the second of two PUBRELs would end the process. */
  async incomingDelPacket(client: Session, packet: Identified): Promise<void> {
    const open = this.#incoming.get(client.id)
    open?.delete(packet.messageId ?? 0)
    if (open?.size === 0) this.#incoming.delete(client.id)
  }

  override async putWill(client: Session, will: Will): Promise<void> {
    will.payload = Buffer.from(will.payload)
    await super.putWill(client, will)
  }

  /** aedes publishes these as wills of brokers that crashed. Nothing in memory is another broker's. */
  streamWill(): Readable {
    return Readable.from([])
  }
}

function lower(a: Qos, b: Qos): Qos {
  if (a < b) return a
  return b
}
