import type { Packet } from 'mqtt-packet'
import type { Wire } from '../wire.ts'
import type { Arrival } from './world.ts'

/** What came, under which packet identifier. */
export interface Received {
  readonly messageId: number
  readonly arrival: Arrival
}

/** What a client's session has not answered for good, by packet identifier. */
export type Held = Map<number, Arrival>

/** One connection of a client in a history: notes what comes, and answers nothing by itself. */
export class Peer {
  readonly wire: Wire
  readonly held: Held
  readonly #barrier: string
  readonly #answers: Packet[] = []
  readonly #waiters: (() => void)[] = []
  /** PUBLISHes, and PUBRELs that nobody has asked for, since they were taken last. */
  #received: Received[] = []
  #marks = 0
  #error: unknown

  /** A message to its barrier comes behind all that was published before. */
  constructor(wire: Wire, barrier: string, held: Held) {
    this.wire = wire
    this.#barrier = barrier
    this.held = held
    this.#run().catch((error) => {
      this.#error = error
      this.#wake()
    })
  }

  /** The next packet that is an answer, which must be of one of these kinds. */
  async answer<K extends Packet['cmd']>(...kinds: readonly K[]): Promise<Extract<Packet, { cmd: K }>> {
    await this.#until(() => this.#answers.length > 0)
    const packet = this.#answers.shift()
    if (!kinds.some((kind) => kind === packet?.cmd)) throw new Error(`${packet?.cmd} came, not ${kinds.join()}`)
    return packet as Extract<Packet, { cmd: K }>
  }

  /** Waits for so many messages and then for the barrier; gives all that came. */
  async take(count: number, raise: () => void, deadline: AbortSignal): Promise<readonly Received[]> {
    deadline.addEventListener('abort', () => this.#wake())
    await this.#until(() => this.#received.length >= count || deadline.aborted)
    raise()
    await this.#until(() => this.#marks > 0)
    this.#marks--
    return this.#received.splice(0)
  }

  /** Answers a message or PUBREL for good; a PUBLISH with QoS 2, if so wished, only up to PUBREL. */
  async finish({ messageId, arrival }: Received, isComplete: boolean): Promise<void> {
    if (arrival.kind === 'publish' && arrival.qos === 1) this.wire.send({ cmd: 'puback', messageId })
    if (arrival.kind === 'publish' && arrival.qos === 2) {
      this.wire.send({ cmd: 'pubrec', messageId })
      this.held.set(messageId, { ...arrival, kind: 'pubrel' })
      const released = await this.answer('pubrel')
      if (released.messageId !== messageId)
        throw new Error(`PUBREL has identifier ${released.messageId}, not ${messageId}`)
    }
    if (!isComplete) return
    if (arrival.qos === 2) this.wire.send({ cmd: 'pubcomp', messageId })
    this.held.delete(messageId)
  }

  async ping(): Promise<void> {
    this.wire.send({ cmd: 'pingreq' })
    await this.answer('pingresp')
  }

  async #run(): Promise<void> {
    let isBeginning = true
    for (;;) {
      const { packet } = await this.wire.next()
      const { messageId = 0 } = packet
      const known = this.held.get(messageId)
      if (packet.cmd === 'publish' && packet.topic === this.#barrier) this.#marks++
      else if (packet.cmd === 'publish') {
        const { topic, payload, qos, retain, dup } = packet
        const arrival: Arrival = { kind: 'publish', topic, payload: String(payload), qos, retain, dup }
        this.#note(messageId, arrival, known)
      } else if (packet.cmd === 'pubrel' && isBeginning) {
        if (known?.kind !== 'pubrel') throw new Error(`PUBREL ${messageId} came for nothing`)
        this.#received.push({ messageId, arrival: known })
      } else {
        // Pending PUBRELs come before anything can be asked on a connection but CONNECT.
        if (packet.cmd !== 'connack') isBeginning = false
        this.#answers.push(packet)
      }
      this.#wake()
    }
  }

  #note(messageId: number, arrival: Arrival, known: Arrival | undefined): void {
    this.#received.push({ messageId, arrival })
    if (arrival.qos === 0) return
    if (arrival.dup !== (known !== undefined)) {
      throw new Error(`${arrival.payload} has identifier ${messageId}, which stands for ${known?.payload ?? 'nothing'}`)
    }
    this.held.set(messageId, arrival)
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter()
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.#error) throw this.#error
      await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
  }
}
