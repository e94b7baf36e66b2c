import type { IConnectPacket } from 'mqtt-packet'
import { decodeDetails, decodePayload, encodeMessage } from './message-codec.ts'
import type { Change, StoredWill } from './store.ts'

/** A will as aedes hands it over, and what is noted in it. */
export type Will = NonNullable<IConnectPacket['will']> & { brokerId?: string; clientId?: string }

/** A will, and whose rights it has. */
export interface OwnedWill {
  readonly will: Will
  readonly username: string
}

/** The wills of the clients that are connected, and those that wait until their delay is over; one for each client id. */
export class Wills {
  readonly #wills = new Map<string, OwnedWill>()
  /** When those are due that wait, milliseconds since 1970. */
  readonly #dueAt = new Map<string, number>()

  /** Nobody knows when connections ended that ended with the process: those delays begin now. */
  constructor(stored: readonly StoredWill[], now: number, brokerId: string) {
    for (const { clientId, username, delaySeconds, dueAt, message } of stored) {
      const { topic, payload, details } = message
      // As this broker's own, so that aedes does not publish them.
      const { properties, ...more } = decodeDetails(details)
      const will = {
        ...more,
        topic,
        payload: decodePayload(payload),
        clientId,
        brokerId,
        ...(properties && { properties }),
      }
      this.#wills.set(clientId, { will, username })
      this.#dueAt.set(clientId, dueAt ?? now + delaySeconds * 1000)
    }
  }

  /** A connection begins. `delaySeconds`: how long it waits after the end of the connection. */
  leave(clientId: string, username: string, will: Will, delaySeconds: number): Change {
    this.#dueAt.delete(clientId)
    this.#wills.set(clientId, { will, username })
    const { topic, payload, brokerId: _, ...details } = will
    const message = encodeMessage(topic, payload, { ...details })
    return { kind: 'will left', will: { clientId, username, delaySeconds, dueAt: null, message } }
  }

  /** A connection has ended; its will waits until `dueAt` (milliseconds since 1970). */
  delay(clientId: string, dueAt: number): Change {
    this.#dueAt.set(clientId, dueAt)
    return { kind: 'will delayed', clientId, dueAt }
  }

  take(clientId: string): { will: Will; change: Change } | undefined {
    const owned = this.#wills.get(clientId)
    if (!owned) return undefined
    this.#wills.delete(clientId)
    this.#dueAt.delete(clientId)
    return { will: owned.will, change: { kind: 'will taken', clientId } }
  }

  /** If a publication is a client's will: its client id. */
  ownerOf(publication: object): string | undefined {
    if (!('clientId' in publication) || typeof publication.clientId !== 'string') return undefined
    return this.#wills.get(publication.clientId)?.will === publication ? publication.clientId : undefined
  }

  get(clientId: string): OwnedWill | undefined {
    return this.#wills.get(clientId)
  }

  list(): Will[] {
    return Array.from(this.#wills.values(), ({ will }) => will)
  }

  /** A will that waits is due now; undefined if none does. It is given once. */
  end(clientId: string): OwnedWill | undefined {
    return this.#dueAt.delete(clientId) ? this.#wills.get(clientId) : undefined
  }

  /** The wills whose delay is over; each is given once. */
  due(now: number): OwnedWill[] {
    const due = [...this.#dueAt].filter(([, dueAt]) => dueAt <= now)
    return due.flatMap(([clientId]) => this.end(clientId) ?? [])
  }
}
