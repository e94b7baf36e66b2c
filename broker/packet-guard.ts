import type { Packet } from 'mqtt-packet'
import type { Limits } from './limits.ts'
import { malformed, type Objection, protocolError } from './packet-reader.ts'
import { isTopicName, levelsOf } from './topics.ts'

const TOPIC_NAME_INVALID = 0x90
const QUOTA_EXCEEDED = 0x97

/** Judges a packet that is in good form before aedes sees it; undefined if it is harmless. */
export function objectionTo(packet: Packet, limits: Limits): Objection | undefined {
  switch (packet.cmd) {
    case 'connect': {
      const { will } = packet
      if (!will) return undefined
      if (!isTopicName(will.topic, limits)) return malformed('will topic')
      return will.qos !== undefined && will.qos > 2 ? malformed('will QoS') : undefined
    }
    case 'publish':
      // [MQTT-4.7.3-1]
      if (packet.topic === '' && packet.properties?.topicAlias === undefined) return protocolError('no topic')
      return levelsOf(packet.topic) > limits.topicLevels
        ? { reason: 'a topic of too many levels', reasonCode: TOPIC_NAME_INVALID }
        : undefined
    case 'subscribe':
    case 'unsubscribe': {
      const { length } = 'subscriptions' in packet ? packet.subscriptions : packet.unsubscriptions
      return length > limits.subscriptionsPerClient
        ? { reason: 'too many filters', reasonCode: QUOTA_EXCEEDED }
        : undefined
    }
    default:
      return undefined
  }
}
