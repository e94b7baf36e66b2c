import type { Limits } from '../limits.ts'
import type { SessionRecord } from './session-record.ts'
import type { QueuedMessage, Store } from './store.ts'

interface QueuePageOptions {
  readonly record: SessionRecord
  readonly store: Pick<Store, 'readQueue'>
  readonly limits: Pick<Limits, 'deliveryPageMessages' | 'deliveryPageBytes'>
}

/** The messages of one queue that are sent next: a page of them if they are stored, or all. */
export class QueuePage {
  readonly #options: QueuePageOptions
  readonly #messages: QueuedMessage[] = []
  /** Sequence number of the last message that was put into the page. */
  #last = 0
  #hasAll: boolean
  #isReading = false

  constructor(options: QueuePageOptions) {
    this.#options = options
    this.#hasAll = !options.record.isStored
  }

  /** Whether nothing waits, here or in the store. */
  get isEmpty(): boolean {
    return this.#hasAll && this.#messages.length === 0
  }

  /** Whether the store has more, and none is here. */
  get isUsedUp(): boolean {
    return !this.#hasAll && this.#messages.length === 0
  }

  /** The lowest sequence number that is here, and the one after which the store may have more. */
  get firsts(): readonly number[] {
    const unsent = this.#messages.slice(0, 1).map(({ sequence }) => sequence)
    return this.#hasAll ? unsent : [...unsent, this.#last + 1]
  }

  /** Those of shared subscriptions. */
  get shared(): readonly QueuedMessage[] {
    return this.#messages.filter(({ share }) => share !== undefined)
  }

  /** Whether a message of the queue was read from the store, or is being read. */
  holds(sequence: number): boolean {
    return this.#isReading || sequence <= this.#last
  }

  /** A message was stored in the queue just now; false if it is read later. */
  offer(message: QueuedMessage): boolean {
    if (!this.#hasAll || message.sequence <= this.#last) return false
    const { record, limits } = this.#options
    if (record.isStored && this.#messages.length >= limits.deliveryPageMessages) {
      this.#hasAll = false
      return false
    }
    this.#messages.push(message)
    this.#last = message.sequence
    return true
  }

  take(): QueuedMessage | undefined {
    return this.#messages.shift()
  }

  /** Reads the next page; false if that is under way. Rejects if the store fails. */
  async read(): Promise<boolean> {
    if (this.#isReading) return false
    this.#isReading = true
    const { store, record, limits } = this.#options
    try {
      const page = await store.readQueue(record.id, this.#last, limits.deliveryPageMessages, limits.deliveryPageBytes)
      this.#hasAll = page.length === 0
      for (const message of page) this.#messages.push(message)
      this.#last = page.at(-1)?.sequence ?? this.#last
    } finally {
      this.#isReading = false
    }
    return true
  }
}
