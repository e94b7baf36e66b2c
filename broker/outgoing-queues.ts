import type { AedesPublishPacket } from 'aedes'
import type { Limits } from './limits.ts'

type QueueLimits = Pick<Limits, 'queuedMessagesPerSession' | 'queuedBytesPerSession' | 'queuedBytes'>

/** What aedes keeps for a session until the client has acknowledged it: a message, or the PUBREL that follows it. */
export type OutgoingPacket = AedesPublishPacket | { cmd: 'pubrel'; messageId: number; brokerId?: undefined }

interface Queue {
  packets: OutgoingPacket[]
  bytes: number
}

/** The unacknowledged QoS 1 and 2 messages of each session, in order and in memory. */
export class OutgoingQueues {
  readonly #limits: QueueLimits
  readonly #queues = new Map<string, Queue>()
  #bytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** Adds a message; false if the session's queue or all of them together are full. */
  add(clientId: string, packet: AedesPublishPacket): boolean {
    const queue = this.#queues.get(clientId) ?? { packets: [], bytes: 0 }
    const size = sizeOf(packet)
    if (queue.packets.length >= this.#limits.queuedMessagesPerSession) return false
    if (queue.bytes + size > this.#limits.queuedBytesPerSession) return false
    if (this.#bytes + size > this.#limits.queuedBytes) return false
    queue.packets.push(packet)
    queue.bytes += size
    this.#bytes += size
    this.#queues.set(clientId, queue)
    return true
  }

  /** Gives the queued message its packet identifier, or puts a PUBREL in its place. What is not queued stays so. */
  update(clientId: string, packet: OutgoingPacket): void {
    const queue = this.#queues.get(clientId)
    if (!queue) return
    if (packet.cmd === 'publish') {
      const queued = queue.packets.find((other) => isSame(other, packet))
      if (queued && packet.messageId !== undefined) queued.messageId = packet.messageId
      return
    }
    const index = queue.packets.findIndex((other) => other.messageId === packet.messageId)
    const replaced = queue.packets[index]
    if (!replaced) return
    queue.packets[index] = packet
    this.#shrink(queue, sizeOf(replaced) - sizeOf(packet))
  }

  /** Takes out what was acknowledged by its packet identifier. */
  removeAcknowledged(clientId: string, messageId: number): OutgoingPacket | undefined {
    return this.#remove(clientId, (packet) => packet.messageId === messageId)
  }

  /** Takes out a message that must not be sent. */
  removeMessage(clientId: string, message: AedesPublishPacket): void {
    this.#remove(clientId, (packet) => isSame(packet, message))
  }

  list(clientId: string): readonly OutgoingPacket[] {
    return [...(this.#queues.get(clientId)?.packets ?? [])]
  }

  clear(clientId: string): void {
    this.#bytes -= this.#queues.get(clientId)?.bytes ?? 0
    this.#queues.delete(clientId)
  }

  #remove(clientId: string, wanted: (packet: OutgoingPacket) => boolean): OutgoingPacket | undefined {
    const queue = this.#queues.get(clientId)
    if (!queue) return undefined
    const index = queue.packets.findIndex(wanted)
    if (index === -1) return undefined
    const [packet] = queue.packets.splice(index, 1)
    if (packet) this.#shrink(queue, sizeOf(packet))
    // An entry per client id that ever connected would be a leak.
    if (queue.packets.length === 0) this.#queues.delete(clientId)
    return packet
  }

  #shrink(queue: Queue, bytes: number): void {
    queue.bytes -= bytes
    this.#bytes -= bytes
  }
}

function isSame(packet: OutgoingPacket, message: AedesPublishPacket): boolean {
  return (
    packet.brokerId !== undefined &&
    packet.brokerId === message.brokerId &&
    packet.brokerCounter === message.brokerCounter
  )
}

// An empty message takes memory too: roughly what its object and its place in the queue take.
const OVERHEAD = 256

function sizeOf(packet: OutgoingPacket): number {
  return packet.cmd === 'publish' ? OVERHEAD + packet.topic.length + packet.payload.length : OVERHEAD
}
