import type { Client } from 'aedes'
import type { IConnectPacket, IDisconnectPacket, IPublishPacket, Packet } from 'mqtt-packet'
import { innerClient } from './aedes-internals.ts'
import type { Limits } from './limits.ts'
import type { Outlet } from './outlet.ts'
import { type Objection, protocolError } from './packet-reader.ts'

type InletLimits = Pick<Limits, 'topicAliases' | 'halfOpenQoS2' | 'keepAliveSeconds'>

const DISCONNECT_WITH_WILL = 0x04
const RECEIVE_MAXIMUM_EXCEEDED = 0x93
const TOPIC_ALIAS_INVALID = 0x94

/** Holds one client to what was agreed when it connected. */
export class Inlet {
  readonly #client: Client
  readonly #outlet: Outlet
  readonly #limits: InletLimits
  /** What stands for which topic, over this connection. */
  readonly #aliases = new Map<number, string>()
  #connect: IConnectPacket | undefined

  constructor(client: Client, outlet: Outlet, limits: InletLimits) {
    this.#client = client
    this.#outlet = outlet
    this.#limits = limits
  }

  /** Judges a packet as it comes, in turn, and puts topics in the place of aliases; undefined if all is well. */
  judge(packet: Packet): Objection | undefined {
    switch (packet.cmd) {
      case 'connect':
        return this.#judgeConnect(packet)
      case 'publish':
        return this.#connect?.protocolVersion === 5 ? this.#judgePublish(packet) : undefined
      case 'disconnect':
        return this.#judgeDisconnect(packet)
      default:
        return undefined
    }
  }

  #judgeConnect(packet: IConnectPacket): Objection | undefined {
    // [MQTT-3.1.0-2]
    if (this.#connect) return protocolError('a second CONNECT')
    this.#connect = packet
    if (packet.protocolVersion !== 5) return undefined
    this.#outlet.allowAliases(packet.properties?.topicAliasMaximum ?? 0)
    const { keepAliveSeconds } = this.#limits
    // [MQTT-3.2.2-21]; who wants none has the kernel look after its connection.
    if ((packet.keepalive ?? 0) > keepAliveSeconds) innerClient(this.#client)._serverKeepAlive = keepAliveSeconds
    return undefined
  }

  #judgePublish(packet: IPublishPacket): Objection | undefined {
    if (packet.properties?.topicAlias !== undefined) {
      const objection = this.#resolve(packet, packet.properties.topicAlias)
      if (objection) return objection
      // It belongs to this connection, not to the message [MQTT-3.3.2-7].
      const { topicAlias: _, ...properties } = packet.properties
      packet.properties = properties
    }
    if (packet.qos === 0 || packet.messageId === undefined) return undefined
    const { unanswered } = this.#outlet
    unanswered.add(packet.messageId)
    if (unanswered.size <= this.#limits.halfOpenQoS2) return undefined
    return { reason: 'more publishes than the receive maximum', reasonCode: RECEIVE_MAXIMUM_EXCEEDED }
  }

  #resolve(packet: IPublishPacket, alias: number): Objection | undefined {
    if (alias === 0 || alias > this.#limits.topicAliases) {
      return { reason: `there is no topic alias ${alias}`, reasonCode: TOPIC_ALIAS_INVALID }
    }
    if (packet.topic !== '') {
      this.#aliases.set(alias, packet.topic)
      return undefined
    }
    const topic = this.#aliases.get(alias)
    if (topic === undefined) return protocolError('an unknown topic alias')
    packet.topic = topic
    return undefined
  }

  /** A session that was to end with its connection cannot be kept at the last moment (MQTT 5, 3.14.2.2.2). */
  #judgeDisconnect(packet: IDisconnectPacket): Objection | undefined {
    const wanted = packet.properties?.sessionExpiryInterval ?? 0
    const agreed = this.#connect?.properties?.sessionExpiryInterval ?? 0
    if (wanted > 0 && agreed === 0) return protocolError('a session expiry interval in DISCONNECT')
    // The will is dropped for reason 0 only [MQTT-3.14.4-3]; aedes keeps it for this one only.
    if (packet.reasonCode) packet.reasonCode = DISCONNECT_WITH_WILL
    return undefined
  }
}
