import type { QueuedMessage } from './store.ts'

/** What a client answers: a message with QoS 1, one with QoS 2, and the PUBREL after it. */
export type Answer = 'puback' | 'pubrec' | 'pubcomp'

interface Sent {
  readonly sequence: number
  readonly size: number
  /** The answer that is due. */
  readonly due: Answer
  /** Where it could go to another client after all. */
  readonly queued: QueuedMessage | undefined
}

/** What was sent to one client and is not acknowledged for good, by packet identifier, in the order of sending. */
export class Unacknowledged {
  readonly #sent = new Map<number, Sent>()

  get size(): number {
    return this.#sent.size
  }

  get sequences(): readonly number[] {
    return Array.from(this.#sent.values(), ({ sequence }) => sequence)
  }

  /** Messages that could go to another client. */
  get movable(): readonly QueuedMessage[] {
    return [...this.#sent.values()].flatMap(({ queued }) => queued ?? [])
  }

  add(packetId: number, sent: Sent): void {
    this.#sent.set(packetId, sent)
  }

  /** PUBREC has come, and PUBREL is due: gives its sequence number, undefined if there is no such message. */
  release(packetId: number): number | undefined {
    const sent = this.#expecting(packetId, ['pubrec', 'pubcomp'])
    if (sent) this.#sent.set(packetId, { ...sent, due: 'pubcomp' })
    return sent?.sequence
  }

  /** The exchange is over: takes it out; undefined if there is none. */
  settle(packetId: number, answer: Answer): Sent | undefined {
    // A PUBREC that settles a message refuses it [MQTT-4.3.3-4].
    const sent = this.#expecting(packetId, [answer])
    this.#sent.delete(packetId)
    return sent
  }

  /** Anything else but the answer that is due leaves the message unacknowledged, and ends the connection [MQTT-4.3.3-3]. */
  #expecting(packetId: number, due: readonly Answer[]): Sent | undefined {
    const sent = this.#sent.get(packetId)
    if (sent && !due.includes(sent.due)) throw new WrongAnswer(sent.due)
    return sent
  }
}

/** The client answers a message with what belongs to another QoS, or comes too early. */
class WrongAnswer extends Error {
  /** Of the DISCONNECT in MQTT 5: protocol error. */
  readonly reasonCode = 0x82

  constructor(due: Answer) {
    super(`a wrong acknowledgement where ${due.toUpperCase()} is due`)
  }
}
