import type { AedesPublishPacket, Client } from 'aedes'
import { Persistence } from './persistence.ts'
import { encodeMessage, type MessageDetails } from './store/message-codec.ts'
import type { Placing } from './store/outgoing-queues.ts'
import type { SessionRecord } from './store/session-record.ts'
import { nextStamp } from './store/stamps.ts'
import type { Change } from './store/store.ts'
import { type Target, targetsOf } from './store/targets.ts'

/** What aedes is about to deliver. */
export type Publication = AedesPublishPacket & {
  messageExpiry?: number
  /** Who gets it, decided when it was stored. */
  targets?: readonly Target[]
}

const QUOTA_EXCEEDED = 0x97
const ignore = () => {}

/** What becomes of a message that is published: who gets it is decided, what it leaves behind is stored, then it is sent. */
export class PublishingPersistence extends Persistence {
  /** What a client's last message of a QoS waits for: no later one may overtake it [MQTT-4.6.0-6]. */
  readonly #underway = new WeakMap<Client, (Promise<void> | undefined)[]>()

  /**
   * Called by aedes, before a message is acknowledged and delivered: stores in one go what it leaves behind.
   * Undefined if that is nothing; rejects if it is not stored, or with `isDuplicate` if it was before.
   */
  storePublish(packet: Publication, client: Client | null, original: object): Promise<void> | undefined {
    const willOwner = this.wills.ownerOf(original)
    const changes: Change[] = []
    const exchange =
      packet.qos === 2 && client && willOwner === undefined ? this.#exchange(client, original) : undefined
    if (exchange) {
      const earlier = exchange.incoming.earlier(exchange.packetId)
      if (earlier) return earlier.then(rejectDuplicate)
      if (exchange.incoming.size >= this.options.limits.halfOpenQoS2) {
        const error = new Error('too many QoS 2 publishes are not released')
        return Promise.reject(Object.assign(error, { reasonCode: QUOTA_EXCEEDED }))
      }
      if (exchange.session !== undefined) {
        changes.push({ kind: 'received', session: exchange.session, packetId: exchange.packetId })
      }
    }
    const { topic, qos, retain } = packet
    const publisher = client?.id ?? willOwner
    const fits = (record: SessionRecord) => this.queues.fits(record, packet)
    packet.targets = targetsOf(this.sessions.match(topic), { topic, qos, retain, publisher, fits })
    const retaining = retain ? this.#retain(packet, publisher) : undefined
    if (retaining) changes.push(retaining)
    const placing = qos > 0 ? this.#queue(packet) : undefined
    if (placing?.change) changes.push(placing.change)
    const taken = willOwner === undefined ? undefined : this.wills.take(willOwner)
    if (taken) changes.push(taken.change)

    const written = changes.length > 0 ? this.options.store.write(changes) : undefined
    exchange?.incoming.open(exchange.packetId, written)
    if (retaining && written) this.retained.settle(retaining, written).catch(ignore)
    let stored = this.#inTurn(client, qos, written)
    if (placing) stored = this.#settle(placing, written, stored)
    // Without a promise to keep it [MQTT-4.3.1], it is at least delivered.
    if (qos === 0) stored = stored?.catch(ignore)
    if (client && stored) this.#note(client, qos, stored)
    return stored
  }

  /** Hands what was placed to the connections: what is on disk in the order of its queue, the rest in its publisher's. */
  #settle(
    placing: Placing,
    written: Promise<void> | undefined,
    inTurn: Promise<void> | undefined,
  ): Promise<void> | undefined {
    written?.then(
      () => this.queues.stored(placing),
      () => this.queues.cancelled(placing),
    )
    if (!inTurn) {
      this.queues.held(placing)
      return undefined
    }
    return inTurn.then(() => this.queues.held(placing))
  }

  /**
   * Called by aedes after the acknowledgement: gives the message to those who get it with QoS 0. What it resolves tells its
   * publisher to go on; undefined if nobody falls behind.
   */
  forward(packet: Publication): Promise<unknown> | undefined {
    const behind: Promise<void>[] = []
    for (const { record, qos, retain, identifiers } of packet.targets ?? []) {
      const { delivery } = record
      if (!delivery) continue
      if (qos === 0) {
        const { topic, payload } = packet
        delivery.send({ topic, payload, qos, retain, dup: false, identifiers, ...detailsOf(packet) })
      }
      const relief = delivery.relief()
      if (relief) behind.push(relief)
    }
    return behind.length === 0 ? undefined : Promise.all(behind)
  }

  /** What is written is done no earlier than what the client published before with this QoS. */
  #inTurn(client: Client | null, qos: number, written: Promise<void> | undefined): Promise<void> | undefined {
    const previous = client ? this.#underway.get(client)?.[qos] : undefined
    if (!previous || !written) return written ?? previous
    // It may be rejected before anybody waits for it.
    written.catch(ignore)
    return previous.then(() => written)
  }

  #note(client: Client, qos: number, stored: Promise<void>): void {
    const underway = this.#underway.get(client) ?? []
    this.#underway.set(client, underway)
    // One that failed holds up nothing.
    const settled = stored.catch(ignore)
    underway[qos] = settled
    void settled.then(() => {
      if (underway[qos] === settled) underway[qos] = undefined
    })
  }

  #exchange(client: Client, original: object) {
    if (!('messageId' in original) || typeof original.messageId !== 'number') return undefined
    const record = this.recordOf(client)
    const session = record?.isStored ? record.id : undefined
    return { incoming: this.incomingOf(client), session, packetId: original.messageId }
  }

  #retain(packet: Publication, publisher: string | undefined) {
    // A `#` subscription would get what is retained below `$CONTROL` or `$SYS`.
    if (packet.topic.startsWith('$')) return undefined
    const { topic, payload, cmd, qos, retain } = packet
    const details = {
      cmd,
      qos,
      retain,
      stamp: nextStamp(),
      ...(publisher !== undefined && { publisher }),
      ...detailsOf(packet),
    }
    const change = this.retained.change(encodeMessage(topic, payload, details))
    if (!change) this.options.onFull('retained', topic)
    return change
  }

  #queue(packet: Publication): Placing | undefined {
    const targets = packet.targets?.filter(({ qos }) => qos > 0) ?? []
    if (targets.length === 0) return undefined
    // Another member of a shared subscription may get it later, with more than this one was granted.
    const published = targets.some(({ share }) => share !== undefined) ? { qos: packet.qos } : {}
    const message = encodeMessage(packet.topic, packet.payload, { ...published, ...detailsOf(packet) })
    const { placing, full } = this.queues.place(targets, message)
    if (full > 0) this.options.onFull('queued', packet.topic)
    return placing
  }
}

function detailsOf({ properties, messageExpiry }: Publication): MessageDetails {
  return { ...(properties ? { properties } : {}), ...(messageExpiry === undefined ? {} : { messageExpiry }) }
}

function rejectDuplicate(): never {
  throw Object.assign(new Error('received before'), { isDuplicate: true })
}
