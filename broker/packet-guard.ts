import type { Packet } from 'mqtt-packet'
import type { Limits } from './limits.ts'
import { isTopicName } from './topics.ts'

/** Why a packet is not given to aedes: in words for the log, and as an MQTT 5 reason code for the client. */
export interface Objection {
  readonly reason: string
  readonly reasonCode: number
}

const MALFORMED_PACKET = 0x81
const PROTOCOL_ERROR = 0x82
const QUOTA_EXCEEDED = 0x97

/** What a client may say about a message; anything else would be forwarded and make the receivers' connections fail. */
const messageProperties = new Set([
  'payloadFormatIndicator',
  'messageExpiryInterval',
  'topicAlias',
  'responseTopic',
  'correlationData',
  'userProperties',
  'contentType',
])

/** Judges a parsed packet before aedes sees it; undefined if it is harmless. */
export function objectionTo(packet: Packet, limits: Limits): Objection | undefined {
  if ('properties' in packet && !areWellFormed(packet.properties)) return malformed('properties')
  switch (packet.cmd) {
    case 'connect': {
      if ([packet.clientId, packet.username ?? ''].some(hasNull)) return malformed('U+0000 in a text')
      const will = packet.will
      if (!will) return undefined
      if (!isTopicName(will.topic, limits)) return malformed('will topic')
      if (will.qos !== undefined && will.qos > 2) return malformed('will QoS')
      if (!areWellFormed(will.properties) || !areMessageProperties(will.properties, ['willDelayInterval'])) {
        return malformed('will properties')
      }
      return undefined
    }
    case 'publish':
      if (hasNull(packet.topic)) return malformed('U+0000 in a text')
      if (packet.qos > 0 && !isIdentifier(packet.messageId)) return protocolError('packet identifier')
      return areMessageProperties(packet.properties) ? undefined : protocolError('properties of a PUBLISH')
    case 'subscribe':
    case 'unsubscribe': {
      const topics = 'subscriptions' in packet ? packet.subscriptions.map(({ topic }) => topic) : packet.unsubscriptions
      if (topics.length === 0) return protocolError('no topic filter')
      if (!isIdentifier(packet.messageId)) return protocolError('packet identifier')
      if (topics.length > limits.subscriptionsPerClient)
        return { reason: 'too many filters', reasonCode: QUOTA_EXCEEDED }
      if (topics.some(hasNull)) return malformed('topic filter')
      return undefined
    }
    default:
      return undefined
  }
}

/** mqtt-packet makes arrays of repeated properties, and null, -1 or undefined of missing bytes. */
function areWellFormed(properties: unknown): boolean {
  if (properties === undefined) return true
  if (typeof properties !== 'object' || properties === null) return false
  return Object.entries(properties).every(([name, value]) => {
    if (name === 'userProperties')
      return Object.values(value as object)
        .flat()
        .every((text) => typeof text === 'string')
    if (typeof value === 'number') return value >= 0
    return typeof value === 'string' || typeof value === 'boolean' || Buffer.isBuffer(value)
  })
}

function areMessageProperties(properties: object | undefined, more: readonly string[] = []): boolean {
  return Object.keys(properties ?? {}).every((name) => messageProperties.has(name) || more.includes(name))
}

function isIdentifier(messageId: number | undefined): boolean {
  return messageId !== undefined && messageId >= 1
}

function hasNull(text: string): boolean {
  return text.includes('\0')
}

function malformed(what: string): Objection {
  return { reason: `malformed packet: ${what}`, reasonCode: MALFORMED_PACKET }
}

function protocolError(what: string): Objection {
  return { reason: `protocol error: ${what}`, reasonCode: PROTOCOL_ERROR }
}
