import type { IConnectPacket } from 'mqtt-packet'
import { decodeDetails, decodePayload, encodeMessage } from './message-codec.ts'
import type { Change, StoredWill } from './store.ts'

/** A will as aedes hands it over, and what is noted in it. */
export type Will = NonNullable<IConnectPacket['will']> & { brokerId?: string; clientId?: string }

/** A will whose connection ended together with an earlier run of the broker. */
export interface LeftWill {
  readonly will: Will
  readonly username: string
}

/** The wills of the clients that are connected, and those that an earlier run has left. */
export class Wills {
  readonly #wills = new Map<string, Will>()
  readonly #left = new Map<string, LeftWill & { readonly dueAt: number }>()

  /** Nobody knows when their connections ended: their delays begin now. */
  constructor(stored: readonly StoredWill[], now: number, brokerId: string) {
    for (const { clientId, username, delaySeconds, message } of stored) {
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
      this.#wills.set(clientId, will)
      this.#left.set(clientId, { will, username, dueAt: now + delaySeconds * 1000 })
    }
  }

  leave(clientId: string, username: string, will: Will, delaySeconds: number): Change {
    this.#left.delete(clientId)
    this.#wills.set(clientId, will)
    const { topic, payload, brokerId: _, ...details } = will
    const message = encodeMessage(topic, payload, { ...details })
    return { kind: 'will left', will: { clientId, username, delaySeconds, message } }
  }

  take(clientId: string): { will: Will; change: Change } | undefined {
    const will = this.#wills.get(clientId)
    if (!will) return undefined
    this.#wills.delete(clientId)
    this.#left.delete(clientId)
    return { will, change: { kind: 'will taken', clientId } }
  }

  /** If a publication is a client's will: its client id. */
  ownerOf(publication: object): string | undefined {
    if (!('clientId' in publication) || typeof publication.clientId !== 'string') return undefined
    return this.#wills.get(publication.clientId) === publication ? publication.clientId : undefined
  }

  get(clientId: string): Will | undefined {
    return this.#wills.get(clientId)
  }

  list(): Will[] {
    return [...this.#wills.values()]
  }

  /** The left wills whose delay is over; each is given once. */
  due(now: number): LeftWill[] {
    const due = [...this.#left.values()].filter(({ dueAt }) => dueAt <= now)
    for (const { will } of due) this.#left.delete(will.clientId ?? '')
    return due
  }
}
