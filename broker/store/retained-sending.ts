import type { Limits } from '../limits.ts'
import type { Delivery } from './delivery.ts'
import { decodeDetails, decodePayload } from './message-codec.ts'
import type { OutgoingQueues, Placing } from './outgoing-queues.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { RetainedWalk, SessionRecord } from './session-record.ts'
import type { Change, RetainedPage, Store, StoredMessage, StoredSubscription } from './store.ts'
import { lower } from './targets.ts'

interface RetainedSendingOptions {
  readonly store: Pick<Store, 'readRetained' | 'write'>
  readonly limits: Pick<Limits, 'unacknowledgedMessages' | 'stalledSubscriberBytes'>
  readonly retained: RetainedMessages
  readonly queues: OutgoingQueues
  readonly onFull: (topic: string) => void
  readonly onError: (error: Error) => void
}

const RETRY_DELAY = 1_000
/** So many subscriptions of one SUBSCRIBE get their first page together with the SUBACK. */
const FIRST_PAGES = 8

/**
 * Sends the retained messages that new subscriptions ask for, the same way as all others to their clients. A page is read
 * when the one before was sent, so that neither memory nor queues fill with them; how far it came is stored with the page,
 * so that a session that lasts gets the rest over its next connection.
 */
export class RetainedSending {
  readonly #options: RetainedSendingOptions
  readonly #busy = new WeakSet<Delivery>()
  readonly #pages = new WeakMap<RetainedWalk, RetainedPage>()
  /** Pages that are being placed; the walks go on where they end. */
  readonly #placing = new WeakMap<RetainedWalk, Promise<unknown>>()

  constructor(options: RetainedSendingOptions) {
    this.#options = options
  }

  /** Reads the first pages for new subscriptions, together, so that all of them show the same state of the store. */
  async prepare({ record }: Delivery): Promise<void> {
    const { store, retained } = this.#options
    for (const [filter, { from }] of record.retainedWalks) {
      if (from === '' && !retained.mayMatch(filter)) record.retainedWalks.delete(filter)
    }
    const walks = [...record.retainedWalks].filter(([, walk]) => walk.from === '' && !this.#pages.has(walk))
    const reading = walks.slice(0, FIRST_PAGES).map(async ([filter, walk]) => {
      this.#pages.set(walk, await store.readRetained(filter, ''))
    })
    // Where it fails, it is tried again later.
    await Promise.allSettled(reading)
  }

  /** Places what was prepared, and begins to send what else is due. */
  start(delivery: Delivery): void {
    const { record } = delivery
    if (delivery.isStopped || record.retainedWalks.size === 0) return
    for (const [filter, walk] of record.retainedWalks) {
      const page = this.#pages.get(walk)
      const subscription = record.subscriptions.get(filter)
      this.#pages.delete(walk)
      if (page && subscription && !this.#isFilled(record))
        this.#place(delivery, subscription, walk, page).catch(() => {})
    }
    if (this.#busy.has(delivery)) return
    this.#busy.add(delivery)
    this.#sendAll(delivery).then(
      () => this.#busy.delete(delivery),
      (error) => {
        this.#busy.delete(delivery)
        if (delivery.isStopped) return
        this.#options.onError(error instanceof Error ? error : new Error(String(error)))
        setTimeout(() => this.start(delivery), RETRY_DELAY).unref()
      },
    )
  }

  /** Whether a queue in memory should first become shorter: live messages need room in it, too. */
  #isFilled(record: SessionRecord): boolean {
    return !record.isStored && record.bytes > this.#options.limits.stalledSubscriberBytes / 4
  }

  async #sendAll(delivery: Delivery): Promise<void> {
    const { subscriptions, retainedWalks } = delivery.record
    let hasRoom = true
    for (;;) {
      const [next] = retainedWalks
      if (!next) return
      const [name, walk] = next
      await this.#placing.get(walk)
      const mayGoOn = hasRoom && !this.#isFilled(delivery.record)
      await delivery.drained(mayGoOn ? this.#options.limits.unacknowledgedMessages : 0)
      if (delivery.isStopped) return
      const subscription = subscriptions.get(name)
      // It may have been removed or renewed meanwhile.
      if (!subscription || retainedWalks.get(name) !== walk) continue
      const page = await this.#options.store.readRetained(subscription.filter, walk.from)
      hasRoom = await this.#place(delivery, subscription, walk, page)
    }
  }

  /** False if the queue was full before the page was through. */
  #place(
    delivery: Delivery,
    subscription: StoredSubscription,
    walk: RetainedWalk,
    page: RetainedPage,
  ): Promise<boolean> {
    const { filter } = subscription
    const { retainedWalks } = delivery.record
    if (delivery.isStopped || retainedWalks.get(filter) !== walk || this.#placing.has(walk)) {
      return Promise.resolve(true)
    }
    const { placings, from } = this.#takeAll(delivery, subscription, walk, page)
    const settled = this.#settle(delivery, filter, placings, walk, from).then(() => {
      if (retainedWalks.get(filter) === walk) {
        if (from === undefined) retainedWalks.delete(filter)
        else retainedWalks.set(filter, { ...walk, from })
      }
      return from === page.next
    })
    this.#placing.set(walk, settled)
    settled.catch(() => this.#placing.delete(walk))
    return settled
  }

  #takeAll(delivery: Delivery, subscription: StoredSubscription, walk: RetainedWalk, page: RetainedPage) {
    const { retained, onFull } = this.#options
    const placings: Placing[] = []
    for (const message of page.messages) {
      // A newer one is on its way through the subscription: this one must not come after it.
      if (retained.isChanging(message.topic)) continue
      const taken = this.#take(delivery, subscription, walk, message)
      if (taken === 'full') {
        if (delivery.record.messages > 0) return { placings, from: message.topic }
        onFull(message.topic)
      } else if (taken) placings.push(taken)
    }
    return { placings, from: page.next }
  }

  /** A place in the queue, or undefined if the message needs none. */
  #take(
    delivery: Delivery,
    subscription: StoredSubscription,
    walk: RetainedWalk,
    message: StoredMessage,
  ): Placing | 'full' | undefined {
    const { record } = delivery
    const { topic, payload } = message
    const { properties, messageExpiry, qos: published = 0, publisher, stamp = 0 } = decodeDetails(message.details)
    if (messageExpiry !== undefined && messageExpiry <= Date.now()) return undefined
    if (stamp > walk.before) return undefined
    if (subscription.noLocal && publisher === record.clientId) return undefined
    if (!delivery.mayReceive(topic)) return undefined
    const identifiers = subscription.identifier === undefined ? [] : [subscription.identifier]
    const qos = lower(subscription.qos, published)
    // [MQTT-3.3.1-8] of 3.1.1; in MQTT 5 whatever Retain As Published says.
    const copy = { qos, retain: true, identifiers }
    if (qos > 0) {
      if (!this.#options.queues.fits(record, message)) return 'full'
      const { placing } = this.#options.queues.place([{ ...copy, record, share: undefined }], message)
      return placing ?? 'full'
    }
    const details = { ...(properties && { properties }), ...(messageExpiry !== undefined && { messageExpiry }) }
    // Waited for after each page, so it is not the client's fault if it is behind.
    delivery.send({ ...copy, ...details, topic, payload: decodePayload(payload), dup: false }, Number.POSITIVE_INFINITY)
    return undefined
  }

  async #settle(
    { record }: Delivery,
    filter: string,
    placings: readonly Placing[],
    { before: retainedBefore }: RetainedWalk,
    retainedFrom: string | undefined,
  ): Promise<void> {
    const { store, queues } = this.#options
    if (record.isStored) {
      const queued = placings.flatMap(({ change }): Change[] => (change ? [change] : []))
      const progress = { kind: 'retained sent', session: record.id, filter, retainedFrom, retainedBefore } as const
      try {
        await store.write([...queued, progress])
      } catch (error) {
        for (const placing of placings) queues.cancelled(placing)
        throw error
      }
    }
    for (const placing of placings) {
      queues.stored(placing)
      queues.held(placing)
    }
  }
}
