import type { Client } from 'aedes'
import { generate, type IPublishPacket, type Packet } from 'mqtt-packet'
import { innerClient } from '../aedes-internals.ts'
import type { Limits } from '../limits.ts'
import { decodeDetails, decodePayload } from './message-codec.ts'
import { packetIdOf, type SessionRecord } from './session-record.ts'
import type { QueuedMessage, Store } from './store.ts'

type DeliveryLimits = Pick<Limits, 'unacknowledgedMessages' | 'deliveryPageMessages' | 'deliveryPageBytes'>

interface Sent {
  readonly sequence: number
  /** Undefined for a message that is not in the queue. */
  readonly size: number | undefined
}

export interface DeliveryOptions {
  readonly client: Client
  readonly record: SessionRecord
  readonly store: Pick<Store, 'readQueue'>
  readonly limits: DeliveryLimits
  readonly mayReceive: (topic: string) => boolean
  /** Takes a message out of the queue. */
  readonly remove: (sequence: number, size: number) => void
  readonly onError: (error: Error) => void
}

/**
 * Sends a session's queue over its connection: in order, a page at a time, no more than the client acknowledges and its
 * socket takes. All that a stored session gets with QoS 1 and 2 comes through here, so nothing overtakes anything.
 */
export class Delivery {
  readonly #options: DeliveryOptions
  /** What was sent before over another connection carries the DUP flag [MQTT-3.3.1-1]. */
  readonly #sentBefore: number
  readonly #window: number
  readonly #unacknowledged = new Map<number, Sent>()
  readonly #page: QueuedMessage[] = []
  /** Sequence number of the last message that was put into the page. */
  #last = 0
  #hasAll = false
  #isReading = false
  #isWaiting = true
  #isStopped = false

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#sentBefore = options.record.sent
    this.#window = Math.min(options.client.receiveMaximum, options.limits.unacknowledgedMessages)
  }

  /** The lowest sequence number that may be in use; undefined if none is. */
  get first(): number | undefined {
    const unread = this.#hasAll ? [] : [this.#last + 1]
    const unsent = this.#page.slice(0, 1)
    const used = [...this.#unacknowledged.values(), ...unsent].map(({ sequence }) => sequence)
    return used.length + unread.length === 0 ? undefined : Math.min(...used, ...unread)
  }

  /** The client is ready: what waits is sent. */
  start(): void {
    this.#isWaiting = false
    this.#advance()
  }

  stop(): void {
    this.#isStopped = true
  }

  /** A message was stored in the queue just now. */
  offer(message: QueuedMessage): void {
    // What is not held here is read later.
    if (!this.#hasAll || message.sequence <= this.#last) return
    if (this.#page.length >= this.#options.limits.deliveryPageMessages) {
      this.#hasAll = false
      return
    }
    this.#page.push(message)
    this.#last = message.sequence
    this.#advance()
  }

  /** A packet identifier for a message that is sent past the queue; undefined if none is free. */
  reserve(): number | undefined {
    const sequence = this.#options.record.nextSequence()
    if (sequence === undefined) return undefined
    this.#unacknowledged.set(packetIdOf(sequence), { sequence, size: undefined })
    return packetIdOf(sequence)
  }

  /** The sequence number of an unacknowledged message of the queue. */
  sequenceOf(packetId: number): number | undefined {
    const sent = this.#unacknowledged.get(packetId)
    return sent?.size === undefined ? undefined : sent.sequence
  }

  /** The client has it. */
  acknowledge(packetId: number): void {
    const sent = this.#unacknowledged.get(packetId)
    if (!sent || this.#isStopped) return
    this.#unacknowledged.delete(packetId)
    if (sent.size !== undefined) this.#options.remove(sent.sequence, sent.size)
    this.#advance()
  }

  #advance(): void {
    if (this.#isWaiting || this.#isStopped || this.#options.client.closed) return
    const { client, limits } = this.#options
    const chunks: Buffer[] = []
    let bytes = 0
    while (this.#unacknowledged.size < this.#window && bytes < limits.deliveryPageBytes) {
      const message = this.#page.shift()
      if (!message) break
      const chunk = this.#render(message)
      if (!chunk) continue
      chunks.push(chunk)
      bytes += chunk.length
    }
    if (chunks.length > 0 && !client.conn.write(Buffer.concat(chunks))) {
      this.#isWaiting = true
      // Ends the connection if the client does not read for too long.
      innerClient(client).waitForDrain(() => {
        this.#isWaiting = false
        this.#advance()
      })
    } else if (bytes >= limits.deliveryPageBytes) {
      this.#isWaiting = true
      setImmediate(() => this.start())
    }
    if (this.#page.length === 0 && !this.#hasAll && this.#unacknowledged.size < this.#window) void this.#read()
  }

  async #read(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    const { store, record, limits, onError } = this.#options
    try {
      const { deliveryPageMessages, deliveryPageBytes } = limits
      const page = await store.readQueue(record.id, this.#last, deliveryPageMessages, deliveryPageBytes)
      this.#hasAll = page.length === 0
      for (const message of page) this.#page.push(message)
      this.#last = page.at(-1)?.sequence ?? this.#last
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
      return
    } finally {
      this.#isReading = false
    }
    this.#advance()
  }

  /** The bytes of a message, or of the PUBREL that is still due; undefined if it is left out. */
  #render(queued: QueuedMessage): Buffer | undefined {
    const { record, client, remove } = this.#options
    const { sequence, size } = queued
    const packetId = queued.packetId ?? packetIdOf(sequence)
    const packet: Packet | undefined = queued.message
      ? this.#publishOf(queued, queued.message, packetId)
      : { cmd: 'pubrel', messageId: packetId }
    const bytes = packet && this.#serialize(packet)
    // [MQTT-3.1.2-25]: as if it had been sent.
    if (!bytes || bytes.length > (client.maximumPacketSize ?? Number.POSITIVE_INFINITY)) {
      remove(sequence, size)
      return undefined
    }
    this.#unacknowledged.set(packetId, { sequence, size })
    record.sent = Math.max(record.sent, sequence)
    return bytes
  }

  #serialize(packet: Packet): Buffer | undefined {
    const { client, onError } = this.#options
    try {
      return generate(packet, { protocolVersion: client.version })
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
      return undefined
    }
  }

  #publishOf(
    { sequence, qos, retain, identifiers }: QueuedMessage,
    { topic, payload, details }: NonNullable<QueuedMessage['message']>,
    messageId: number,
  ): IPublishPacket | undefined {
    const { properties, messageExpiry } = decodeDetails(details)
    const secondsLeft = messageExpiry === undefined ? undefined : Math.ceil((messageExpiry - Date.now()) / 1000)
    if ((secondsLeft !== undefined && secondsLeft <= 0) || !this.#options.mayReceive(topic)) return undefined
    const dup = sequence <= this.#sentBefore
    const packet: IPublishPacket = {
      cmd: 'publish',
      topic,
      payload: decodePayload(payload),
      qos,
      dup,
      retain,
      messageId,
    }
    if (this.#options.client.version !== 5) return packet
    packet.properties = {
      ...properties,
      ...(secondsLeft === undefined ? {} : { messageExpiryInterval: secondsLeft }),
      ...(identifiers.length === 0 ? {} : { subscriptionIdentifier: [...identifiers] }),
    }
    return packet
  }
}
