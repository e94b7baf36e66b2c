import type { Limits } from '../limits.ts'
import type { SessionRecord } from './session-record.ts'
import type { Change, QueuePlace, Store, StoredMessage, StoredState } from './store.ts'
import type { Target } from './targets.ts'

type QueueLimits = Pick<
  Limits,
  'queuedMessagesPerSession' | 'queuedBytesPerSession' | 'queuedBytes' | 'stalledSubscriberBytes' | 'heldBytes'
>

/** Places in queues: on disk, where they are being stored, and in memory. */
export interface Placing {
  /** Undefined if none is on disk. */
  readonly change: Extract<Change, { kind: 'queued' }> | undefined
  readonly message: StoredMessage
  readonly taken: readonly { readonly record: SessionRecord; readonly place: QueuePlace }[]
  /** Their sequence numbers follow when their turn has come. */
  readonly inMemory: readonly { readonly record: SessionRecord; readonly place: Omit<QueuePlace, 'sequence'> }[]
}

interface Sized {
  readonly topic: string
  readonly payload: { readonly length: number }
}

// An empty message takes room too: roughly what its row and its place in memory take.
const OVERHEAD = 256

/** Bounds the messages that wait for sessions, and hands those that were stored to the sessions' connections. */
export class OutgoingQueues {
  readonly #store: Store
  readonly #limits: QueueLimits
  /** On disk. */
  #bytes: number
  /** In memory, for sessions that end with their connection. */
  #heldBytes = 0
  readonly #holding = new Set<SessionRecord>()

  constructor(store: Store, limits: QueueLimits, queues: StoredState['queues']) {
    this.#store = store
    this.#limits = limits
    this.#bytes = queues.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /**
   * Takes a place in each queue that has room; `full` are the others. A client that lets too much wait in memory loses its
   * connection instead: it would not learn that it misses something.
   */
  place(targets: readonly Target[], message: StoredMessage): { placing: Placing | undefined; full: number } {
    const size = sizeOf(message)
    const taken: Placing['taken'][number][] = []
    const inMemory: Placing['inMemory'][number][] = []
    let full = 0
    for (const { record, qos, retain, identifiers, share } of targets) {
      if (record.isEnded) continue
      const place = { session: record.id, qos, retain, identifiers, share, size }
      if (!record.isStored) {
        if (this.#hold(record, size)) inMemory.push({ record, place })
        continue
      }
      const sequence = this.#reserve(record, size)
      if (sequence === undefined) full++
      else taken.push({ record, place: { ...place, sequence } })
    }
    if (taken.length + inMemory.length === 0) return { placing: undefined, full }
    const places = taken.map(({ place }) => place)
    const change = places.length === 0 ? undefined : { kind: 'queued' as const, message, places }
    return { placing: { change, message, taken, inMemory }, full }
  }

  /** Whether a session's queue has room for a message. */
  fits(record: SessionRecord, message: Sized): boolean {
    const size = sizeOf(message)
    const { queuedMessagesPerSession, queuedBytesPerSession, queuedBytes, stalledSubscriberBytes } = this.#limits
    if (record.messages >= queuedMessagesPerSession) return false
    if (!record.isStored) return record.bytes + size <= stalledSubscriberBytes
    return record.bytes + size <= queuedBytesPerSession && this.#bytes + size <= queuedBytes
  }

  /** The places on disk were stored: the messages can be sent. To be called in the order in which they were placed. */
  stored({ message, taken }: Placing): void {
    for (const { record, place } of taken) {
      record.delivery?.offer({ ...place, message, packetId: undefined })
    }
  }

  /** The turn of the places in memory has come. */
  held({ message, inMemory }: Placing): void {
    for (const { record, place } of inMemory) {
      const sequence = record.isEnded ? undefined : record.nextSequence()
      if (sequence !== undefined) record.delivery?.offer({ ...place, sequence, message, packetId: undefined })
    }
  }

  /** The places could not be stored. */
  cancelled({ taken, inMemory }: Placing): void {
    for (const { record, place } of [...taken, ...inMemory]) this.#free(record, place.size)
  }

  /** Takes a message out of a queue; where that is lost, it is sent again with its old packet identifier. */
  async remove(record: SessionRecord, sequence: number, size: number): Promise<void> {
    this.#free(record, size)
    if (record.isStored) await this.#store.writeUntilDone([{ kind: 'dequeued', session: record.id, sequence }])
  }

  /** A session ended, and its queue with it. */
  ended(record: SessionRecord): void {
    if (record.isEnded) return
    record.isEnded = true
    this.#holding.delete(record)
    if (record.isStored) this.#bytes -= record.bytes
    else this.#heldBytes -= record.bytes
  }

  #reserve(record: SessionRecord, size: number): number | undefined {
    if (this.#bytes + size > this.#limits.queuedBytes) return undefined
    const sequence = record.reserve(size, this.#limits)
    if (sequence !== undefined) this.#bytes += size
    return sequence
  }

  #hold(record: SessionRecord, size: number): boolean {
    const { queuedMessagesPerSession, stalledSubscriberBytes, heldBytes } = this.#limits
    if (!record.hold(size, { queuedMessagesPerSession, queuedBytesPerSession: stalledSubscriberBytes })) {
      this.#giveUp(record)
      return false
    }
    this.#holding.add(record)
    this.#heldBytes += size
    if (this.#heldBytes > heldBytes) this.#giveUp(mostOf(this.#holding))
    return !record.isEnded
  }

  #giveUp(record: SessionRecord): void {
    this.ended(record)
    record.delivery?.giveUp()
  }

  #free(record: SessionRecord, size: number): void {
    if (record.isEnded) return
    record.free(size)
    if (record.isStored) {
      this.#bytes -= size
      return
    }
    this.#heldBytes -= size
    if (record.messages === 0) this.#holding.delete(record)
  }
}

function sizeOf({ topic, payload }: Sized): number {
  return OVERHEAD + topic.length + payload.length
}

function mostOf(records: ReadonlySet<SessionRecord>): SessionRecord {
  return [...records].reduce((most, record) => (record.bytes > most.bytes ? record : most))
}
