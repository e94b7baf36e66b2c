import type { Limits } from '../limits.ts'
import type { Delivery } from './delivery.ts'
import { IncomingExchanges } from './incoming-exchanges.ts'
import type { Readiness } from './shared-group.ts'
import type { StoredSession, StoredState, StoredSubscription } from './store.ts'

/** Packet identifiers are 1 to 65,535 [MQTT-2.2.1-3]. */
const PACKET_IDS = 65_535

type QueueTotals = StoredState['queues'][number]
type QueueLimits = Pick<Limits, 'queuedMessagesPerSession' | 'queuedBytesPerSession'>

export interface RetainedWalk {
  /** The topic to go on from. */
  readonly from: string
  /** What is retained later comes through the subscription anyway. */
  readonly before: number
}

/** What is held in memory of a session. */
export class SessionRecord {
  readonly id: number
  /** Whether it outlives its connection; the queue of another one is in memory only. */
  readonly isStored: boolean
  readonly clientId: string
  readonly username: string
  readonly subscriptions = new Map<string, StoredSubscription>()
  /** Subscriptions whose retained messages have not all been sent: from which topic on, by filter. */
  readonly retainedWalks = new Map<string, RetainedWalk>()
  readonly incoming: IncomingExchanges
  /** Sends the queue while a connection holds the session. */
  delivery: Delivery | undefined
  /** When it ends, as it was stored; null while a connection holds it. */
  readonly endsAt: number | null
  isEnded = false
  expirySeconds: number
  sent: number
  messages: number
  bytes: number
  /** Up to this sequence number, messages may have been sent before the process ended, or not. */
  readonly #uncertain: number
  /** No message with a lower sequence number is in the queue. */
  #first: number
  #next: number

  constructor(session: StoredSession, isStored: boolean, queue?: QueueTotals, received: Iterable<number> = []) {
    this.id = session.id
    this.isStored = isStored
    this.clientId = session.clientId
    this.username = session.username
    this.expirySeconds = session.expirySeconds
    this.endsAt = session.endsAt
    this.messages = queue?.messages ?? 0
    this.bytes = queue?.bytes ?? 0
    this.#first = queue?.first ?? 1
    this.#next = (queue?.last ?? 0) + 1
    // Where a connection ended with the process, nobody wrote down how far it had come.
    this.#uncertain = session.endsAt === null ? this.#next - 1 : 0
    this.sent = Math.max(this.#uncertain, session.sent)
    this.incoming = new IncomingExchanges(received)
  }

  /** Whether it is certain that a message was sent before: then it does not expire any more. */
  wasSent(sequence: number): boolean {
    return sequence <= this.sent && sequence > this.#uncertain
  }

  /** How well a message can be sent now, with the QoS that it would have. */
  readinessFor(topic: string, qos: number): Readiness {
    if (this.isEnded) return undefined
    // Without a connection a message can only wait, and with QoS 0 it does not.
    if (!this.delivery) return this.isStored && qos > 0 ? 'away' : undefined
    if (!this.delivery.mayReceive(topic)) return undefined
    return this.delivery.isAble ? 'able' : 'busy'
  }

  /** A sequence number for a message of this size; undefined if the queue is full. */
  reserve(size: number, limits: QueueLimits): number | undefined {
    if (!this.#hasRoom(size, limits)) return undefined
    const sequence = this.nextSequence()
    if (sequence !== undefined) this.#count(size)
    return sequence
  }

  /** Room for a message of this size, which gets its sequence number later; false if the queue is full. */
  hold(size: number, limits: QueueLimits): boolean {
    if (!this.#hasRoom(size, limits)) return false
    this.#count(size)
    return true
  }

  free(size: number): void {
    this.messages--
    this.bytes -= size
  }

  /** The next sequence number whose packet identifier is free. */
  nextSequence(): number | undefined {
    if (this.#next - this.#first >= PACKET_IDS) this.noteProgress()
    if (this.#next - this.#first >= PACKET_IDS) return undefined
    return this.#next++
  }

  #hasRoom(size: number, limits: QueueLimits): boolean {
    return this.messages < limits.queuedMessagesPerSession && this.bytes + size <= limits.queuedBytesPerSession
  }

  #count(size: number): void {
    this.messages++
    this.bytes += size
  }

  noteProgress(): void {
    if (this.delivery) this.#first = Math.max(this.#first, this.delivery.first ?? this.#next)
  }
}

/** The packet identifier of a message in a session's queue; with it, the receiver knows a repetition even after a crash. */
export function packetIdOf(sequence: number): number {
  return 1 + (sequence % PACKET_IDS)
}
