import type { Limits } from '../limits.ts'
import type { Delivery } from './delivery.ts'
import { decodeDetails, decodePayload } from './message-codec.ts'
import type { OutgoingQueues, Placing } from './outgoing-queues.ts'
import type { RetainedMessages } from './retained-messages.ts'
import type { RetainedWalk } from './session-record.ts'
import type { Change, Store, StoredMessage, StoredSubscription } from './store.ts'
import { lower } from './targets.ts'

interface RetainedSendingOptions {
  readonly store: Pick<Store, 'readRetained' | 'write'>
  readonly limits: Pick<Limits, 'unacknowledgedMessages'>
  readonly retained: RetainedMessages
  readonly queues: OutgoingQueues
  readonly onFull: (topic: string) => void
  readonly onError: (error: Error) => void
}

const RETRY_DELAY = 1_000

/**
 * Sends the retained messages that new subscriptions ask for, the same way as all others to their clients. A page is read
 * when the one before was sent, so that neither memory nor queues fill with them; how far it came is stored with the page,
 * so that a session that lasts gets the rest over its next connection.
 */
export class RetainedSending {
  readonly #options: RetainedSendingOptions
  readonly #busy = new WeakSet<Delivery>()

  constructor(options: RetainedSendingOptions) {
    this.#options = options
  }

  /** Begins to send what is due, if that is not under way. */
  start(delivery: Delivery): void {
    if (delivery.isStopped || this.#busy.has(delivery) || delivery.record.retainedWalks.size === 0) return
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

  async #sendAll(delivery: Delivery): Promise<void> {
    const { subscriptions, retainedWalks, isStored } = delivery.record
    // A page is all that a queue in memory gets, lest it exceed its bound.
    const usual = isStored ? this.#options.limits.unacknowledgedMessages : 0
    let allowed = usual
    for (;;) {
      const [next] = retainedWalks
      if (!next) return
      await delivery.drained(allowed)
      if (delivery.isStopped) return
      const [name, walk] = next
      const subscription = subscriptions.get(name)
      // It may have been removed or renewed meanwhile.
      if (!subscription || retainedWalks.get(name) !== walk) continue
      const hasRoom = await this.#sendPage(delivery, subscription, walk)
      allowed = hasRoom ? usual : 0
    }
  }

  /** False if the queue was full before the page was through. */
  async #sendPage(delivery: Delivery, subscription: StoredSubscription, walk: RetainedWalk): Promise<boolean> {
    const { store, retained, onFull } = this.#options
    const { record } = delivery
    const { filter } = subscription
    const page = await store.readRetained(filter, walk.from)
    if (delivery.isStopped || record.retainedWalks.get(filter) !== walk) return true
    let from = page.next
    const placings: Placing[] = []
    for (const message of page.messages) {
      // A newer one is on its way through the subscription: this one must not come after it.
      if (retained.isChanging(message.topic)) continue
      const taken = this.#take(delivery, subscription, message)
      if (taken === 'full') {
        if (record.messages > 0) {
          from = message.topic
          break
        }
        onFull(message.topic)
      } else if (taken) placings.push(taken)
    }
    await this.#settle(delivery, filter, placings, from)
    if (record.retainedWalks.get(filter) === walk) {
      if (from === undefined) record.retainedWalks.delete(filter)
      else record.retainedWalks.set(filter, { from })
    }
    return from === page.next
  }

  /** A place in the queue, or undefined if the message needs none. */
  #take(delivery: Delivery, subscription: StoredSubscription, message: StoredMessage): Placing | 'full' | undefined {
    const { record } = delivery
    const { topic, payload } = message
    const { properties, messageExpiry, qos: published = 0, publisher } = decodeDetails(message.details)
    if (messageExpiry !== undefined && messageExpiry <= Date.now()) return undefined
    if (subscription.noLocal && publisher === record.clientId) return undefined
    if (!delivery.mayReceive(topic)) return undefined
    const identifiers = subscription.identifier === undefined ? [] : [subscription.identifier]
    const qos = lower(subscription.qos, published)
    // [MQTT-3.3.1-8] of 3.1.1; in MQTT 5 whatever Retain As Published says.
    const copy = { qos, retain: true, identifiers }
    if (qos > 0) {
      const { placing } = this.#options.queues.place([{ ...copy, record, share: undefined }], message)
      return placing ?? 'full'
    }
    const details = { ...(properties && { properties }), ...(messageExpiry !== undefined && { messageExpiry }) }
    // Waited for after each page, so it is not the client's fault if it is behind.
    delivery.send({ ...copy, ...details, topic, payload: decodePayload(payload), dup: false }, Number.POSITIVE_INFINITY)
    return undefined
  }

  async #settle(delivery: Delivery, filter: string, placings: readonly Placing[], retainedFrom: string | undefined) {
    const { store, queues } = this.#options
    const { record } = delivery
    if (record.isStored) {
      const queued = placings.flatMap(({ change }): Change[] => (change ? [change] : []))
      try {
        await store.write([...queued, { kind: 'retained sent', session: record.id, filter, retainedFrom }])
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
