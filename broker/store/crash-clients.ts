import { EventEmitter, once } from 'node:events'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import type { RawClient } from '../test-support.ts'

type Connection = Pick<RawClient, 'send' | 'any'>

interface Underway {
  readonly packet: IPublishPacket & { readonly messageId: number }
  isReceived: boolean
}

/** Publishes numbers, in order, and keeps what is not acknowledged over any number of connections, as the standard asks. */
export class Publisher {
  readonly #topic: string
  readonly #qos: 1 | 2
  readonly #size: number
  readonly #underway = new Map<number, Underway>()
  #last = 0

  /** Of `size` bytes, at least: filled up with spaces. */
  constructor(topic: string, qos: 1 | 2, size = 0) {
    this.#topic = topic
    this.#qos = qos
    this.#size = size
  }

  get last(): number {
    return this.#last
  }

  /** Sends again what was not acknowledged, then `count` new messages, few at a time. Ends with the connection. */
  async run(client: Connection, count: number, window = 10): Promise<void> {
    for (const { packet, isReceived } of this.#underway.values()) {
      client.send(isReceived ? { cmd: 'pubrel', messageId: packet.messageId } : { ...packet, dup: true })
    }
    let left = count
    for (;;) {
      while (left > 0 && this.#underway.size < window) {
        left--
        client.send(this.#next())
      }
      if (this.#underway.size === 0) return
      const packet = await client.any()
      if (!packet) return
      const answer = this.#take(packet)
      if (answer) client.send(answer)
    }
  }

  #next(): Packet {
    const number = ++this.#last
    const messageId = 1 + (number % 65_535)
    const packet = {
      cmd: 'publish',
      topic: this.#topic,
      payload: `${number}`.padEnd(this.#size),
      qos: this.#qos,
      dup: false,
      retain: true,
      messageId,
    } as const
    this.#underway.set(messageId, { packet, isReceived: false })
    return packet
  }

  #take(packet: Packet): Packet | undefined {
    const messageId = packet.messageId ?? 0
    if (packet.cmd === 'puback' || packet.cmd === 'pubcomp') this.#underway.delete(messageId)
    if (packet.cmd !== 'pubrec') return undefined
    const underway = this.#underway.get(messageId)
    if (underway) underway.isReceived = true
    return { cmd: 'pubrel', messageId }
  }
}

/** Receives with QoS 1 and 2 over any number of connections and knows what it has, as the standard asks. */
export class Receiver {
  /** Payloads by topic, in the order in which they came; QoS 2 without repetitions. */
  readonly received = new Map<string, string[]>()
  readonly #unreleased = new Set<number>()
  readonly #arrivals = new EventEmitter()

  /** Acknowledges everything until the connection ends. */
  async run(client: Connection): Promise<void> {
    for (;;) {
      const packet = await client.any()
      if (!packet) return
      const messageId = packet.messageId ?? 0
      if (packet.cmd === 'publish') {
        if (packet.qos < 2 || !this.#unreleased.has(messageId))
          this.#note(packet.topic, String(packet.payload).trimEnd())
        if (packet.qos === 2) this.#unreleased.add(messageId)
        client.send({ cmd: packet.qos === 2 ? 'pubrec' : 'puback', messageId })
      } else if (packet.cmd === 'pubrel') {
        this.#unreleased.delete(messageId)
        client.send({ cmd: 'pubcomp', messageId })
      }
    }
  }

  /** Waits until a payload has come. */
  async until(topic: string, payload: string): Promise<void> {
    while (!this.received.get(topic)?.includes(payload)) {
      await once(this.#arrivals, 'message')
    }
  }

  #note(topic: string, payload: string): void {
    const payloads = this.received.get(topic) ?? []
    payloads.push(payload)
    this.received.set(topic, payloads)
    this.#arrivals.emit('message')
  }
}
