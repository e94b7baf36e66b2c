import type { Limits } from '../limits.ts'
import type { Change, Store, StoredMessage, StoredState } from './store.ts'

type RetainedLimits = Pick<Limits, 'retainedMessages' | 'retainedBytes'>

/** Bounds the retained messages and finds them; in memory is only which topics have one. */
export class RetainedMessages {
  readonly #limits: RetainedLimits
  readonly #sizes = new Map<string, number>()
  #bytes = 0
  /** Of messages that are being stored. */
  #comingMessages = 0
  #comingBytes = 0
  /** How many changes of a topic's message are being stored. */
  readonly #changing = new Map<string, number>()

  constructor(limits: RetainedLimits, retained: StoredState['retained'] = []) {
    this.#limits = limits
    for (const { topic, size } of retained) this.#note(topic, size)
  }

  /** The change that keeps, replaces or (empty payload, [MQTT-3.3.1-10]) forgets a message; undefined if there is no room for it. */
  change(message: StoredMessage): Extract<Change, { kind: 'retained' | 'forgotten' }> | undefined {
    const { topic } = message
    if (message.payload.length === 0) return { kind: 'forgotten', topic }
    const size = topic.length + message.payload.length
    const previous = this.#sizes.get(topic)
    const messages = this.#sizes.size + this.#comingMessages + (previous === undefined ? 1 : 0)
    const bytes = this.#bytes + this.#comingBytes + size - (previous ?? 0)
    if (messages > this.#limits.retainedMessages || bytes > this.#limits.retainedBytes) return undefined
    return { kind: 'retained', message, size }
  }

  /** A change is on its way to the store; resolves as that does. */
  async settle(change: ReturnType<RetainedMessages['change']>, written: Promise<void>): Promise<void> {
    if (!change) return written
    const topic = change.kind === 'forgotten' ? change.topic : change.message.topic
    const size = change.kind === 'forgotten' ? undefined : change.size
    const coming = size === undefined ? 0 : 1
    this.#comingMessages += coming
    this.#comingBytes += size ?? 0
    this.#changing.set(topic, (this.#changing.get(topic) ?? 0) + 1)
    try {
      await written
      this.#note(topic, size)
    } finally {
      this.#comingMessages -= coming
      this.#comingBytes -= size ?? 0
      const others = (this.#changing.get(topic) ?? 1) - 1
      if (others === 0) this.#changing.delete(topic)
      else this.#changing.set(topic, others)
    }
  }

  /** Whether there may be messages under a filter. */
  mayMatch(filter: string): boolean {
    if (this.#sizes.size + this.#changing.size === 0) return false
    return filter.includes('+') || filter.includes('#') || this.#sizes.has(filter) || this.#changing.has(filter)
  }

  /** Whether what the store has for a topic is about to be outdated. */
  isChanging(topic: string): boolean {
    return this.#changing.has(topic)
  }

  #note(topic: string, size: number | undefined): void {
    this.#bytes += (size ?? 0) - (this.#sizes.get(topic) ?? 0)
    if (size === undefined) this.#sizes.delete(topic)
    else this.#sizes.set(topic, size)
  }
}

/** The retained messages under any of the filters, page by page; one that falls under several comes for each. */
export async function* findRetained(
  store: Pick<Store, 'readRetained'>,
  filters: readonly string[],
): AsyncGenerator<StoredMessage> {
  for (const filter of filters) {
    let from: string | undefined = ''
    while (from !== undefined) {
      const page: Awaited<ReturnType<Store['readRetained']>> = await store.readRetained(filter, from)
      yield* page.messages
      from = page.next
    }
  }
}
