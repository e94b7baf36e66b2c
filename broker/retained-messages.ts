import { setImmediate } from 'node:timers/promises'
import type { AedesPublishPacket } from 'aedes'
import type { Limits } from './limits.ts'
import { matches } from './topics.ts'

type RetainedLimits = Pick<Limits, 'retainedMessages' | 'retainedBytes'>

const TOPICS_PER_TURN = 1_000

/** Retained messages by topic, in memory. */
export class RetainedMessages {
  readonly #limits: RetainedLimits
  readonly #messages = new Map<string, AedesPublishPacket>()
  #bytes = 0

  constructor(limits: RetainedLimits) {
    this.#limits = limits
  }

  /** Keeps, replaces or (empty payload, [MQTT-3.3.1-10]) forgets a message; false if there is no room for it. */
  store(packet: AedesPublishPacket): boolean {
    // A `#` subscription would get what is retained below `$CONTROL` or `$SYS`.
    if (packet.topic.startsWith('$')) return true
    const previous = this.#messages.get(packet.topic)
    if (packet.payload.length === 0) {
      this.#forget(previous)
      return true
    }
    const bytes = this.#bytes - (previous ? sizeOf(previous) : 0) + sizeOf(packet)
    const count = this.#messages.size + (previous ? 0 : 1)
    if (bytes > this.#limits.retainedBytes || count > this.#limits.retainedMessages) return false
    // The payload is a view of everything that came in one read: copied, it keeps only itself in memory.
    this.#messages.set(packet.topic, { ...packet, payload: Buffer.from(packet.payload) })
    this.#bytes = bytes
    return true
  }

  /** The messages under any of the filters; lets others run in between. */
  async *find(filters: readonly string[]): AsyncGenerator<AedesPublishPacket> {
    let looked = 0
    for (const filter of filters) {
      if (!filter.includes('+') && !filter.includes('#')) {
        const message = this.#messages.get(filter)
        if (message) yield message
        continue
      }
      for (const [topic, message] of this.#messages) {
        if (++looked % TOPICS_PER_TURN === 0) await setImmediate()
        if (matches(filter, topic)) yield message
      }
    }
  }

  #forget(packet: AedesPublishPacket | undefined): void {
    if (!packet) return
    this.#messages.delete(packet.topic)
    this.#bytes -= sizeOf(packet)
  }
}

function sizeOf(packet: AedesPublishPacket): number {
  return packet.topic.length + packet.payload.length
}
