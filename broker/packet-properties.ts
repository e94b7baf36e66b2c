import { malformed, type PacketReader, protocolError, Unreadable } from './packet-reader.ts'

/** What can have properties: a packet that a client sends, or the will in its CONNECT. */
export type PropertyOwner =
  | 'connect'
  | 'will'
  | 'publish'
  | 'acknowledgement'
  | 'subscribe'
  | 'unsubscribe'
  | 'disconnect'
  | 'auth'

/** In the order in which they came; a map would lose that [MQTT-3.3.2-18]. */
export type UserProperties = readonly Readonly<Record<string, string>>[]

type Read = (reader: PacketReader, name: string) => unknown

interface Property {
  readonly name: string
  readonly read: Read
  readonly owners: readonly PropertyOwner[]
}

const USER_PROPERTY = 0x26
const SUBSCRIPTION_IDENTIFIER = 0x0b

const text: Read = (reader, name) => reader.text(name)
const binary: Read = (reader) => reader.binary()
const uint16: Read = (reader) => reader.uint16()
const uint32: Read = (reader) => reader.uint32()
const flag: Read = (reader, name) => {
  if (reader.byte() > 1) throw new Unreadable(protocolError(`${name} is neither 0 nor 1`))
}
const notZero =
  (read: Read): Read =>
  (reader, name) => {
    if (read(reader, name) === 0) throw new Unreadable(protocolError(`${name} is 0`))
  }
const topicName: Read = (reader, name) => {
  // [MQTT-3.3.2-14]
  if (/^$|[+#]/.test(reader.text(name))) throw new Unreadable(protocolError(`${name} is no topic name`))
}

const message = ['publish', 'will'] as const

/** MQTT 5, table 2-4, as far as clients send them. */
const properties = new Map<number, Property>([
  [0x01, { name: 'payload format indicator', read: flag, owners: message }],
  [0x02, { name: 'message expiry interval', read: uint32, owners: message }],
  [0x03, { name: 'content type', read: text, owners: message }],
  [0x08, { name: 'response topic', read: topicName, owners: message }],
  [0x09, { name: 'correlation data', read: binary, owners: message }],
  [
    SUBSCRIPTION_IDENTIFIER,
    { name: 'subscription identifier', read: notZero((reader) => reader.variableByteInteger()), owners: ['subscribe'] },
  ],
  [0x11, { name: 'session expiry interval', read: uint32, owners: ['connect', 'disconnect'] }],
  [0x15, { name: 'authentication method', read: text, owners: ['connect', 'auth'] }],
  [0x16, { name: 'authentication data', read: binary, owners: ['connect', 'auth'] }],
  [0x17, { name: 'request problem information', read: flag, owners: ['connect'] }],
  [0x18, { name: 'will delay interval', read: uint32, owners: ['will'] }],
  [0x19, { name: 'request response information', read: flag, owners: ['connect'] }],
  [0x1f, { name: 'reason string', read: text, owners: ['acknowledgement', 'disconnect', 'auth'] }],
  [0x21, { name: 'receive maximum', read: notZero(uint16), owners: ['connect'] }],
  [0x22, { name: 'topic alias maximum', read: uint16, owners: ['connect'] }],
  [0x23, { name: 'topic alias', read: uint16, owners: ['publish'] }],
  [0x27, { name: 'maximum packet size', read: notZero(uint32), owners: ['connect'] }],
])

/** Reads the properties of a packet; gives the user properties among them, undefined if there are none. Throws `Unreadable`. */
export function readProperties(packet: PacketReader, owner: PropertyOwner): UserProperties | undefined {
  const reader = packet.part(packet.variableByteInteger())
  const seen = new Set<number>()
  const userProperties: Record<string, string>[] = []
  while (!reader.isAtEnd) {
    const identifier = reader.variableByteInteger()
    if (identifier === USER_PROPERTY) {
      const name = reader.text('the name of a user property')
      userProperties.push({ [name]: reader.text('the value of a user property') })
      continue
    }
    const property = properties.get(identifier)
    // Servers send it in a PUBLISH, clients do not [MQTT-3.3.4-6].
    if (owner === 'publish' && identifier === SUBSCRIPTION_IDENTIFIER) {
      throw new Unreadable(protocolError('a subscription identifier in a PUBLISH'))
    }
    if (!property?.owners.includes(owner))
      throw new Unreadable(malformed(`property ${identifier} does not belong here`))
    if (seen.has(identifier)) throw new Unreadable(protocolError(`${property.name} twice`))
    seen.add(identifier)
    property.read(reader, property.name)
  }
  return userProperties.length === 0 ? undefined : userProperties
}
