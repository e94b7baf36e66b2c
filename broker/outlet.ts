import type { Client } from 'aedes'
import { generate, type IPublishPacket, type Packet } from 'mqtt-packet'
import { innerClient } from './aedes-internals.ts'
import type { Limits } from './limits.ts'
import { OutgoingAliases } from './topic-aliases.ts'

/** One copy of a message, as it goes to one client. */
export interface OutgoingMessage {
  readonly topic: string
  readonly payload: Buffer | string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  /** Where the QoS is above 0. */
  readonly messageId?: number
  /** As the publisher gave them. */
  readonly properties?: IPublishPacket['properties'] | undefined
  /** When it expires, milliseconds since 1970. */
  readonly messageExpiry?: number | undefined
  /** Of the subscriptions that match. */
  readonly identifiers: readonly number[]
}

type OutletLimits = Pick<Limits, 'topicAliases' | 'stalledSubscriberBytes' | 'closeTimeout'>
type Done = (error: Error | null) => void

interface OutletOptions {
  readonly client: Client
  readonly limits: OutletLimits
  /** Told why, if the connection is ended here. */
  readonly onEnd: (reason: string) => void
  /** aedes has done with the client. */
  readonly onLeft: () => void
  readonly onError: (error: Error) => void
}

const UNSPECIFIED_ERROR = 0x80
const ERRORS = 0x80
const versions = { 3: { protocolVersion: 3 }, 4: { protocolVersion: 4 }, 5: { protocolVersion: 5 } } as const

/** All that goes to one client passes here: it knows what the client understands, how large it may be, and when to be silent. */
export class Outlet {
  readonly #options: OutletOptions
  /** Identifiers of the publishes that came over this connection and were not answered for good. */
  readonly unanswered = new Set<number>()
  #aliases: OutgoingAliases | undefined
  #isConnected = false
  #hasEnded = false

  constructor(options: OutletOptions) {
    this.#options = options
  }

  /** Whether the client has had its CONNACK, and no DISCONNECT. */
  get isOpen(): boolean {
    return this.#isConnected && !this.#hasEnded
  }

  /** The client said in its CONNECT how many aliases it takes. */
  allowAliases(maximum: number): void {
    const bounded = Math.min(maximum, this.#options.limits.topicAliases)
    if (bounded > 0) this.#aliases = new OutgoingAliases(bounded)
  }

  /** Called by aedes for everything but messages; `done` comes when the socket can take more. */
  write(packet: Packet, done: Done, protocolVersion?: number): void {
    const client = innerClient(this.#options.client)
    if (this.#hasEnded || !(client.connecting || client.connected)) {
      this.#unheard(packet, done)
      return
    }
    const bytes = this.#fit(packet, protocolVersion ?? client.version)
    if (!bytes) {
      // Without its answers it cannot go on.
      this.#options.onEnd('its maximum packet size is too small for an answer')
      client.conn.destroy()
      this.#unheard(packet, done)
      return
    }
    const hasRoom = this.send(bytes)
    this.#note(packet)
    if (hasRoom || this.#hasEnded) setImmediate(done, null)
    else client.waitForDrain(done)
  }

  /** The bytes of a message, to be sent at once; undefined if the client may not get it: it has expired, or is too large. */
  encode(message: OutgoingMessage): Buffer | undefined {
    const { version } = this.#options.client
    const { topic, payload, qos, retain, dup, messageId, messageExpiry, identifiers } = message
    const left = messageExpiry === undefined ? undefined : messageExpiry - Date.now()
    // What was sent before does not expire any more [MQTT-4.3.3-7].
    if (left !== undefined && left <= 0 && !dup) return undefined
    const packet: IPublishPacket = { cmd: 'publish', topic, payload, qos, dup, retain }
    if (messageId !== undefined) packet.messageId = messageId
    if (version !== 5) return this.#generate(packet, version)
    if (message.properties) packet.properties = message.properties
    if (left !== undefined) {
      const messageExpiryInterval = Math.max(0, Math.ceil(left / 1000))
      packet.properties = { ...packet.properties, messageExpiryInterval }
    }
    if (identifiers.length > 0) packet.properties = { ...packet.properties, subscriptionIdentifier: [...identifiers] }
    return this.#aliases ? this.#encodeWithAlias(packet, this.#aliases) : this.#generateWithin(packet, version)
  }

  /** False if the socket's buffer is full. */
  send(bytes: Buffer): boolean {
    const { client, limits, onEnd } = this.#options
    const { conn } = client
    if (this.#hasEnded || conn.destroyed || conn.writableEnded) return true
    const hasRoom = conn.write(bytes)
    if (conn.writableLength > limits.stalledSubscriberBytes) {
      onEnd('does not read')
      conn.destroy()
    }
    return hasRoom
  }

  /** Called by aedes before it ends the connection because of an error; true if the client knows of it, or will. */
  tell(error: Error): boolean {
    const client = innerClient(this.#options.client)
    if (this.#hasEnded) return true
    if (client.version !== 5 || !this.isOpen || client.conn.destroyed) return false
    const reasonCode = 'reasonCode' in error ? Number(error.reasonCode) : UNSPECIFIED_ERROR
    this.write({ cmd: 'disconnect', reasonCode }, () => {})
    return true
  }

  /** Ends the connection so that what the client was told last arrives: TCP throws it away if unread bytes came in. */
  hangUp(): void {
    const { client, limits, onLeft } = this.#options
    const { conn } = client
    onLeft()
    if (!this.#hasEnded || conn.destroyed) {
      conn.destroy()
      return
    }
    const timer = setTimeout(() => conn.destroy(), limits.closeTimeout)
    conn.once('close', () => clearTimeout(timer))
    conn.resume()
    conn.end()
  }

  /** Nobody is left to hear it; only who is being connected must know. */
  #unheard(packet: Packet, done: Done): void {
    setImmediate(done, packet.cmd === 'connack' ? new Error('connection closed') : null)
  }

  #note(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        if ((packet.returnCode || packet.reasonCode || 0) === 0) this.#isConnected = true
        else this.#hasEnded = true
        break
      case 'disconnect':
        this.#hasEnded = true
        break
      case 'pubrec':
        if ((packet.reasonCode ?? 0) < ERRORS) break
        this.unanswered.delete(packet.messageId ?? 0)
        break
      case 'puback':
      case 'pubcomp':
        this.unanswered.delete(packet.messageId ?? 0)
    }
  }

  /** Leaves out what only explains where it would be too much, for example [MQTT-3.14.2-3]; undefined if that does not help. */
  #fit(packet: Packet, version: number): Buffer | undefined {
    const bytes = this.#generateWithin(packet, version)
    if (bytes || !('properties' in packet) || !packet.properties) return bytes
    const properties: object = { ...packet.properties, reasonString: undefined, userProperties: undefined }
    return this.#generateWithin({ ...packet, properties }, version)
  }

  #encodeWithAlias(packet: IPublishPacket, aliases: OutgoingAliases): Buffer | undefined {
    const { topic } = packet
    const known = aliases.known(topic)
    if (known !== undefined) {
      const properties = { ...packet.properties, topicAlias: known }
      return this.#generateWithin({ ...packet, topic: '', properties }, 5)
    }
    const topicAlias = aliases.free()
    const bytes = this.#generateWithin({ ...packet, properties: { ...packet.properties, topicAlias } }, 5)
    if (bytes) aliases.told(topic, topicAlias)
    return bytes ?? this.#generateWithin(packet, 5)
  }

  /** Nothing is sent that is larger than the client takes [MQTT-3.1.2-24]. */
  #generateWithin(packet: Packet, version: number): Buffer | undefined {
    const bytes = this.#generate(packet, version)
    const { maximumPacketSize } = this.#options.client
    return maximumPacketSize !== undefined && bytes && bytes.length > maximumPacketSize ? undefined : bytes
  }

  #generate(packet: Packet, version: number): Buffer | undefined {
    try {
      return generate(packet, versions[version === 3 || version === 5 ? version : 4])
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)))
      return undefined
    }
  }
}
