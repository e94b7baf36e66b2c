import type { Limits } from '../limits.ts'
import type { SessionRecord } from './session-record.ts'
import type { Change, QueuePlace, Store, StoredMessage, StoredState } from './store.ts'

type QueueLimits = Pick<Limits, 'queuedMessagesPerSession' | 'queuedBytesPerSession' | 'queuedBytes'>

/** One session that gets a message, and how. */
export interface Target {
  readonly record: SessionRecord
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly identifiers: readonly number[]
}

/** Places in queues that are being stored. */
export interface Placing {
  readonly change: Extract<Change, { kind: 'queued' }>
  readonly taken: readonly { readonly record: SessionRecord; readonly place: QueuePlace }[]
}

// An empty message takes room too: roughly what its row and its place in memory take.
const OVERHEAD = 256

/** Bounds the messages that wait for sessions, and hands those that were stored to the sessions' connections. */
export class OutgoingQueues {
  readonly #store: Store
  readonly #limits: QueueLimits
  #bytes: number

  constructor(store: Store, limits: QueueLimits, queues: StoredState['queues']) {
    this.#store = store
    this.#limits = limits
    this.#bytes = queues.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Takes a place in each queue that has room; `full` are the others. */
  place(targets: readonly Target[], message: StoredMessage): { placing: Placing | undefined; full: number } {
    const size = OVERHEAD + message.topic.length + message.payload.length
    const taken: { record: SessionRecord; place: QueuePlace }[] = []
    for (const { record, qos, retain, identifiers } of targets) {
      const isFull = this.#bytes + size > this.#limits.queuedBytes
      const sequence = isFull ? undefined : record.reserve(size, this.#limits)
      if (sequence === undefined) continue
      this.#bytes += size
      taken.push({ record, place: { session: record.id, sequence, qos, retain, identifiers, size } })
    }
    const full = targets.length - taken.length
    if (taken.length === 0) return { placing: undefined, full }
    const places = taken.map(({ place }) => place)
    return { placing: { change: { kind: 'queued', message, places }, taken }, full }
  }

  /** The places were stored: the messages can be sent. */
  stored({ change, taken }: Placing): void {
    for (const { record, place } of taken) {
      record.delivery?.offer({ ...place, message: change.message, packetId: undefined })
    }
  }

  /** The places could not be stored. */
  cancelled({ taken }: Placing): void {
    for (const { record, place } of taken) this.#free(record, place.size)
  }

  /** Takes a message out of a queue; where that is lost, it is sent again with its old packet identifier. */
  remove(record: SessionRecord, sequence: number, size: number): Promise<void> {
    this.#free(record, size)
    return this.#store.writeUntilDone([{ kind: 'dequeued', session: record.id, sequence }])
  }

  /** A session ended, and its queue with it. */
  ended(record: SessionRecord): void {
    record.isEnded = true
    this.#bytes -= record.bytes
  }

  #free(record: SessionRecord, size: number): void {
    if (record.isEnded) return
    record.free(size)
    this.#bytes -= size
  }
}
