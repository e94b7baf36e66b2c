import type { Client } from 'aedes'
import { generate } from 'mqtt-packet'
import { innerClient } from '../aedes-internals.ts'
import type { Limits } from '../limits.ts'
import type { OutgoingMessage, Outlet } from '../outlet.ts'
import { decodeDetails, decodePayload } from './message-codec.ts'
import { QueuePage } from './queue-page.ts'
import { packetIdOf, type SessionRecord } from './session-record.ts'
import { SocketWriter } from './socket-writer.ts'
import type { QueuedMessage, Store } from './store.ts'
import { type Answer, Unacknowledged } from './unacknowledged.ts'
import { Waiting } from './waiting.ts'

type DeliveryLimits = Pick<
  Limits,
  | 'unacknowledgedMessages'
  | 'deliveryPageMessages'
  | 'deliveryPageBytes'
  | 'slowSubscriberBytes'
  | 'stalledSubscriberBytes'
  | 'publisherWait'
>

export interface DeliveryOptions {
  readonly client: Client
  readonly record: SessionRecord
  readonly store: Pick<Store, 'readQueue'>
  readonly limits: DeliveryLimits
  /** Whether the client's user may have messages of a topic, now. */
  readonly mayReceive: (topic: string) => boolean
  /** Takes a message out of the queue. */
  readonly remove: (sequence: number, size: number) => void
  /** The client does not take what it has subscribed to: its connection ends. */
  readonly onStalled: () => void
  readonly onError: (error: Error) => void
}

/**
 * The way of all messages to one client. QoS 0 goes at once, and is left out while the client does not read. QoS 1 and 2 come
 * from its queue (on disk, or in memory for a session that ends with its connection): in order, a page at a time, no more than
 * the client acknowledges and its socket takes. Nothing goes past the queue, so nothing overtakes anything.
 */
export class Delivery {
  readonly record: SessionRecord
  readonly #options: DeliveryOptions
  /** What was sent before over another connection carries the DUP flag [MQTT-3.3.1-1]. */
  readonly #sentBefore: number
  readonly #window: number
  readonly #writer: SocketWriter
  readonly #unacknowledged = new Unacknowledged()
  readonly #page: QueuePage
  #isYielding = false
  #isStopped = false
  /** For the queue to run empty, and for a pause in which publishers may go on. */
  readonly #drained = new Waiting()
  readonly #relieved = new Waiting()

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.record = options.record
    this.#sentBefore = options.record.sent
    this.#page = new QueuePage(options)
    this.#writer = new SocketWriter(options.client, () => this.#advance())
    this.#window = Math.min(options.client.receiveMaximum, options.limits.unacknowledgedMessages)
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Whether a message would go out right away. */
  get isAble(): boolean {
    if (!this.#isOpen || this.#writer.isDraining) return false
    return this.#page.isEmpty && this.#unacknowledged.size < this.#window
  }

  /** The lowest sequence number that may be in use; undefined if none is. */
  get first(): number | undefined {
    const used = [...this.#unacknowledged.sequences, ...this.#page.firsts]
    return used.length === 0 ? undefined : Math.min(...used)
  }

  mayReceive(topic: string): boolean {
    return this.#options.mayReceive(topic)
  }

  /** Whether a message of the queue was read from the store, or is being read. */
  holds(sequence: number): boolean {
    return this.#page.holds(sequence)
  }

  /** The client is ready: what waits is sent. */
  start(): void {
    this.#advance()
  }

  stop(): void {
    this.#isStopped = true
    this.#drained.release()
    this.#relieved.release()
  }

  /** Sends a message with QoS 0, unless more than `patience` bytes have not been read yet. */
  send(message: OutgoingMessage, patience: number = this.#options.limits.slowSubscriberBytes): void {
    const { client, limits, mayReceive } = this.#options
    if (!this.#isOpen || !mayReceive(message.topic)) return
    if (this.#writer.unread > patience || client.conn.writableLength > limits.stalledSubscriberBytes) return
    const bytes = this.#outlet.encode(message)
    if (bytes) this.#writer.write(bytes)
  }

  /** A message was stored in the queue just now. */
  offer(message: QueuedMessage): void {
    if (!this.#isStopped && this.#page.offer(message)) this.#advance()
  }

  /** The client has a message with QoS 2: gives its sequence number, undefined if there is none. Throws at a wrong answer. */
  release(packetId: number): number | undefined {
    return this.#unacknowledged.release(packetId)
  }

  /** The client has done with it. Throws where another answer is due. */
  acknowledge(packetId: number, answer: Answer): void {
    if (this.#isStopped) return
    const sent = this.#unacknowledged.settle(packetId, answer)
    if (!sent) return
    this.#options.remove(sent.sequence, sent.size)
    this.#advance()
  }

  /** Resolves when all that waits was sent and at most so many are not acknowledged, or the connection has ended. */
  async drained(unacknowledged: number): Promise<void> {
    while (!this.#isStopped && !(this.#isEmpty && this.#unacknowledged.size <= unacknowledged)) {
      await this.#drained.next()
    }
  }

  /** While the client falls behind: a promise, for a publisher that can wait; it waits a moment at most. */
  relief(): Promise<void> | undefined {
    const { client, limits } = this.#options
    // One that has fallen behind for good already misses messages; nobody waits for it.
    const isSlow = this.#writer.isDraining && client.conn.writableLength <= limits.slowSubscriberBytes
    const isBehind = !this.record.isStored && this.record.bytes > limits.stalledSubscriberBytes / 2
    return !this.#isStopped && (isSlow || isBehind) ? this.#relieved.next(limits.publisherWait) : undefined
  }

  /** The client has left more than it may in memory. */
  giveUp(): void {
    if (this.#isStopped) return
    this.stop()
    this.#options.onStalled()
  }

  /** What is held in memory for members of shared subscriptions, in order. */
  sharedMessages(): QueuedMessage[] {
    return [...this.#unacknowledged.movable, ...this.#page.shared]
  }

  get #outlet(): Outlet {
    return innerClient(this.#options.client).outlet
  }

  /** The client has its CONNACK, and is still there. */
  get #isOpen(): boolean {
    return !this.#isStopped && !this.#options.client.closed && this.#outlet.isOpen
  }

  get #isEmpty(): boolean {
    return this.#isOpen && this.#page.isEmpty && !this.#writer.isDraining
  }

  #advance(): void {
    if (!this.#isOpen || this.#writer.isDraining || this.#isYielding) return
    let bytes = 0
    while (this.#unacknowledged.size < this.#window && bytes < this.#options.limits.deliveryPageBytes) {
      const message = this.#page.take()
      if (!message) break
      const chunk = this.#render(message)
      if (!chunk) continue
      bytes += chunk.length
      this.#writer.write(chunk)
    }
    if (bytes >= this.#options.limits.deliveryPageBytes && !this.#writer.isDraining) this.#yield()
    if (this.#page.isUsedUp && this.#unacknowledged.size < this.#window) void this.#read()
    this.#drained.release()
    if (!this.#writer.isDraining) this.#relieved.release()
  }

  /** Lets others have their turn. */
  #yield(): void {
    this.#isYielding = true
    setImmediate(() => {
      this.#isYielding = false
      this.#advance()
    })
  }

  async #read(): Promise<void> {
    try {
      if (await this.#page.read()) this.#advance()
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** The bytes of a message, or of the PUBREL that is still due; undefined if it is left out. */
  #render(queued: QueuedMessage): Buffer | undefined {
    const { record, remove } = this.#options
    const { sequence, size } = queued
    const packetId = queued.packetId ?? packetIdOf(sequence)
    const bytes = this.#bytesOf(queued, packetId)
    if (!bytes) {
      // [MQTT-3.1.2-25]: as if it had been sent.
      remove(sequence, size)
      return undefined
    }
    const mayMove = !record.isStored && queued.share !== undefined
    const due = queued.message ? (queued.qos === 2 ? 'pubrec' : 'puback') : 'pubcomp'
    this.#unacknowledged.add(packetId, { sequence, size, due, queued: mayMove ? queued : undefined })
    record.sent = Math.max(record.sent, sequence)
    return bytes
  }

  #bytesOf({ sequence, qos, retain, identifiers, message }: QueuedMessage, messageId: number): Buffer | undefined {
    const { client, mayReceive } = this.#options
    if (!message) return generate({ cmd: 'pubrel', messageId }, { protocolVersion: client.version })
    const { topic, payload, details } = message
    if (!mayReceive(topic)) return undefined
    const { properties, messageExpiry } = decodeDetails(details)
    const dup = sequence <= this.#sentBefore
    // After a crash it is not known what was sent; rather too little than what is no longer true.
    if (dup && messageExpiry !== undefined && messageExpiry <= Date.now() && !this.record.wasSent(sequence))
      return undefined
    return this.#outlet.encode({
      topic,
      payload: decodePayload(payload),
      qos,
      retain,
      dup,
      identifiers,
      messageId,
      properties,
      messageExpiry,
    })
  }
}
