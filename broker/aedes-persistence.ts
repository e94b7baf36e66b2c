import { Readable } from 'node:stream'
import type { AedesPublishPacket, Client, Subscription } from 'aedes'
import { type Publication, PublishingPersistence } from './publishing.ts'
import { encodeMessage } from './store/message-codec.ts'
import { isSame, toPacket, toQueuedPacket, toStoredSubscription, toSubscription } from './store/packets.ts'
import { findRetained } from './store/retained-messages.ts'
import type { SessionRecord } from './store/session-record.ts'
import { SharedGroup } from './store/shared-group.ts'
import type { QueuedMessage } from './store/store.ts'
import type { Target } from './store/targets.ts'
import type { Answer } from './store/unacknowledged.ts'
import type { Will } from './store/wills.ts'

type Session = Pick<Client, 'id'>
type Identified = { readonly messageId?: number | undefined }
type Settled = { readonly cmd: Answer } & Identified
type Enqueued = AedesPublishPacket | ({ cmd: 'pubrel' } & Identified)
type SubscriptionOf = { readonly clientId: string }

const PAGE_MESSAGES = 100
const PAGE_BYTES = 1024 * 1024

/**
 * The interface that aedes wants of its persistence, over the store. In this broker the queues are filled by `storePublish`
 * and emptied by the sessions' deliveries; the methods for it that aedes itself no longer calls hold for any other caller.
 */
export class AedesPersistence extends PublishingPersistence {
  broker: { readonly id: string } = { id: '' }

  // aedes insists on an async function.
  override async setup(broker: { readonly id: string }): Promise<void> {
    this.broker = broker
    await super.setup(broker)
  }

  async destroy(): Promise<void> {
    await this.options.store.close()
  }

  async storeRetained(packet: Publication): Promise<void> {
    const { topic, payload, ...details } = packet
    const change = this.retained.change(encodeMessage(topic, payload, details))
    if (change) await this.retained.settle(change, this.options.store.write([change]))
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#findRetained(filters))
  }

  /** Never throws: aedes does not catch it, and the process would end. */
  async *#findRetained(filters: readonly string[]): AsyncGenerator<object> {
    try {
      for await (const message of findRetained(this.options.store, filters)) yield toPacket(message)
    } catch (error) {
      this.options.onError(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async addSubscriptions({ id }: Session, subscriptions: readonly Subscription[]): Promise<void> {
    const record = await this.sessions.require(id)
    await this.sessions.subscribe(
      record,
      subscriptions.map((subscription) => toStoredSubscription(record.id, subscription)),
      () => false,
    )
  }

  async removeSubscriptions({ id }: Session, filters: readonly string[]): Promise<void> {
    const record = this.sessions.get(id)
    if (record) await this.sessions.unsubscribe(record, filters)
  }

  async cleanSubscriptions(client: Session): Promise<void> {
    await this.removeSubscriptions(client, [...(this.sessions.get(client.id)?.subscriptions.keys() ?? [])])
  }

  async subscriptionsByClient({ id }: Session): Promise<object[]> {
    const subscriptions = this.sessions.get(id)?.subscriptions.values() ?? []
    return Array.from(subscriptions, (subscription) => {
      const { identifier } = subscription
      const more = identifier === undefined ? {} : { subscriptionIdentifier: identifier }
      return { ...toSubscription(subscription), ...more }
    })
  }

  async subscriptionsByTopic(topic: string): Promise<object[]> {
    return this.sessions.match(topic).flatMap((match) => {
      if (match instanceof SharedGroup || match.subscription.qos === 0) return []
      return [{ clientId: match.record.clientId, ...toSubscription(match.subscription) }]
    })
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    const subscribers = [...this.sessions.all()].filter(({ subscriptions }) => subscriptions.size > 0)
    // Messages with QoS 0 do not wait for anybody.
    const waiting = subscribers.map(({ subscriptions }) => [...subscriptions.values()].filter(({ qos }) => qos > 0))
    return { subsCount: waiting.flat().length, clientsCount: subscribers.length }
  }

  getClientList(filter: string): Readable {
    const subscribers = [...this.sessions.all()].filter(({ subscriptions }) => subscriptions.has(filter))
    return Readable.from(subscribers.map(({ clientId }) => clientId))
  }

  async outgoingEnqueue(subscription: SubscriptionOf, packet: AedesPublishPacket): Promise<void> {
    await this.outgoingEnqueueCombi([subscription], packet)
  }

  async outgoingEnqueueCombi(subscriptions: readonly SubscriptionOf[], packet: AedesPublishPacket): Promise<void> {
    const targets: Target[] = []
    for (const clientId of new Set(subscriptions.map((subscription) => subscription.clientId))) {
      const record = await this.sessions.require(clientId)
      targets.push({ record, qos: packet.qos, retain: packet.retain, identifiers: [], share: undefined })
    }
    const { cmd, brokerId, brokerCounter, dup = false, properties } = packet
    const details = { cmd, brokerId, brokerCounter, dup, ...(properties ? { properties } : {}) }
    const { placing } = this.queues.place(targets, encodeMessage(packet.topic, packet.payload, details))
    if (!placing?.change) return
    await this.options.store.write([placing.change])
    this.queues.stored(placing)
  }

  /**
   * Gives a queued message its packet identifier, or notes that the receiver has it and PUBREL is sent; false if the client
   * has no such message.
   */
  async outgoingUpdate(client: Client, packet: Enqueued): Promise<boolean | undefined> {
    const { store } = this.options
    const record = this.sessions.get(client.id)
    if (!record || packet.messageId === undefined) return undefined
    const session = record.id
    const delivery = this.deliveryOf(client)
    if (delivery && packet.cmd === 'pubrel') {
      const sequence = delivery.release(packet.messageId)
      if (sequence === undefined) return false
      if (record.isStored) await store.write([{ kind: 'released', session, sequence }])
      return true
    }
    for await (const queued of this.#queueOf(record)) {
      const { sequence } = queued
      if (packet.cmd === 'pubrel' && queued.packetId === packet.messageId) {
        await store.write([{ kind: 'released', session, sequence }])
        return true
      }
      if (packet.cmd === 'publish' && isSame(queued, packet)) {
        await store.write([{ kind: 'identified', session, sequence, packetId: packet.messageId }])
        return true
      }
    }
    return undefined
  }

  /** A message, or the PUBREL after it, was acknowledged; rejects with a reason code if another answer is due. */
  async outgoingClearMessageId(client: Client, { cmd, messageId }: Settled): Promise<unknown> {
    const record = this.sessions.get(client.id)
    if (!record || messageId === undefined) return undefined
    const delivery = this.deliveryOf(client)
    if (delivery) {
      delivery.acknowledge(messageId, cmd)
      return undefined
    }
    for await (const queued of this.#queueOf(record)) {
      if (queued.packetId !== messageId) continue
      await this.queues.remove(record, queued.sequence, queued.size)
      return toQueuedPacket(queued)
    }
    return undefined
  }

  outgoingStream({ id }: Session): Readable {
    const record = this.sessions.get(id)
    return Readable.from(record ? mapAll(this.#queueOf(record), toQueuedPacket) : [])
  }

  async *#queueOf(record: SessionRecord): AsyncGenerator<QueuedMessage> {
    let after = 0
    for (;;) {
      const page = await this.options.store.readQueue(record.id, after, PAGE_MESSAGES, PAGE_BYTES)
      yield* page
      const last = page.at(-1)
      if (!last) return
      after = last.sequence
    }
  }

  /** The packet itself is known as long as the process lives; of the others, only that they were received. */
  async incomingStorePacket(client: Client, { length: _, ...packet }: Identified & { length?: number }): Promise<void> {
    const { messageId } = packet
    if (messageId === undefined) return
    const record = await this.sessions.require(client.id)
    const stored = this.options.store.write([{ kind: 'received', session: record.id, packetId: messageId }])
    record.incoming.open(messageId, stored, packet)
    await stored
  }

  async incomingGetPacket(client: Client, { messageId }: Identified): Promise<object> {
    const incoming = this.incomingOf(client)
    if (messageId === undefined || !(await incoming.isOpen(messageId))) throw new Error('no such packet')
    return incoming.packetOf(messageId) ?? { messageId }
  }

  async incomingDelPacket(client: Client, { messageId }: Identified): Promise<void> {
    if (messageId === undefined) return
    const record = this.recordOf(client)
    const session = record?.id
    await this.incomingOf(client).complete(messageId, async () => {
      if (record?.isStored && session !== undefined)
        await this.options.store.write([{ kind: 'completed', session, packetId: messageId }])
    })
  }

  /** Where it cannot be stored, it holds as long as the process lives. */
  async putWill(client: Client, will: Will): Promise<void> {
    // Who was never let in leaves nothing.
    if (client.closed) return
    will.brokerId = this.broker.id
    will.clientId = client.id
    will.payload = Buffer.from(will.payload)
    const delay = client.version === 5 ? (will.properties?.willDelayInterval ?? 0) : 0
    // No later than the end of the session [MQTT-3.1.3-9].
    const seconds = delay === 0 ? 0 : Math.min(delay, client.sessionExpiryInterval)
    const change = this.wills.leave(client.id, this.options.usernameOf(client), will, seconds)
    await this.options.store.write([change]).catch(() => {})
  }

  async getWill({ id }: Session): Promise<Will | undefined> {
    return this.wills.get(id)?.will
  }

  async delWill({ id }: Session): Promise<Will | undefined> {
    const taken = this.wills.take(id)
    if (taken) await this.options.store.writeUntilDone([taken.change]).catch(() => {})
    return taken?.will
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from(this.wills.list().filter(({ brokerId = '' }) => !Object.hasOwn(brokers, brokerId)))
  }
}

async function* mapAll<From, To>(items: AsyncIterable<From>, convert: (item: From) => To): AsyncGenerator<To> {
  for await (const item of items) yield convert(item)
}
