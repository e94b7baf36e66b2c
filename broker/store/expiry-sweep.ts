import type { OutgoingQueues } from './outgoing-queues.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { SessionRecords } from './session-records.ts'
import { type ExpiredQueued, firstExpired, type Store } from './store.ts'

export interface ExpirySweepOptions {
  readonly store: Store
  readonly sessions: SessionRecords
  readonly queues: OutgoingQueues
  readonly retained: RetainedMessages
}

/** Small enough that no acknowledgement waits long behind it; so many at once, the rest next time. */
const PAGE = 500
const PAGES = 10

/** Takes expired messages out of the store, so that they keep no room from others while nobody fetches them. */
export class ExpirySweep {
  readonly #options: ExpirySweepOptions
  /** What must stay, because it was sent before, would otherwise be found again and again. */
  #after = firstExpired
  #isSweeping = false

  constructor(options: ExpirySweepOptions) {
    this.#options = options
  }

  /** Takes out what has expired by `now` (milliseconds since 1970), as far as it gets. */
  async sweep(now: number): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    try {
      for (let page = 0; page < PAGES; page++) {
        if (!(await this.#sweepPage(now))) break
      }
    } finally {
      this.#isSweeping = false
    }
  }

  /** False when nothing is left. */
  async #sweepPage(now: number): Promise<boolean> {
    const { store, queues, retained } = this.#options
    const { queued, topics } = await store.readExpired(now, this.#after, PAGE)
    const written: Promise<unknown>[] = []
    for (const message of queued) {
      const record = this.#waitingIn(message)
      if (record) written.push(queues.remove(record, message.sequence, message.size))
    }
    for (const topic of topics) {
      if (!retained.isChanging(topic)) {
        written.push(retained.settle({ kind: 'forgotten', topic }, store.write([{ kind: 'forgotten', topic }])))
      }
    }
    this.#after = queued.length < PAGE ? firstExpired : (queued.at(-1) ?? firstExpired)
    await Promise.all(written)
    return queued.length === PAGE || topics.length === PAGE
  }

  /** The session in whose queue it waits; undefined if it was sent or is about to be: then it stays [MQTT-4.3.3-7]. */
  #waitingIn({ clientId, session, sequence }: ExpiredQueued) {
    const record = this.#options.sessions.get(clientId)
    if (record?.id !== session || record.wasSent(sequence) || record.delivery?.holds(sequence)) return undefined
    return record
  }
}
