import { type PropertyOwner, readProperties, type UserProperties } from './packet-properties.ts'
import { malformed, type Objection, PacketReader, protocolError, Unreadable, unsupported } from './packet-reader.ts'
import { isFilterForm } from './topics.ts'

/** A packet of which the last byte has arrived, as the parser knows it: the fixed header, and what follows it. */
export interface ReceivedPacket {
  readonly cmd: string
  readonly qos: number
  readonly dup: boolean
  /** How many bytes its remaining length took. */
  readonly lengthBytes: number
  readonly body: Buffer
}

/** What the parser does not tell about a packet. */
export interface PacketForm {
  readonly objection?: Objection
  readonly userProperties?: UserProperties | undefined
  readonly willUserProperties?: UserProperties | undefined
}

/**
 * Reads the bytes of a packet as strictly as the standard wants it; the parser takes broken texts, properties that come twice
 * or belong elsewhere, and bytes that are missing or too many.
 *
 * @param version protocol version of the connection; of a CONNECT, its own counts.
 */
export function readForm(packet: ReceivedPacket, version: number | undefined): PacketForm {
  const reader = new PacketReader(packet.body)
  try {
    return read(packet, reader, version === 5)
  } catch (error) {
    if (error instanceof Unreadable) return { objection: error.objection }
    throw error
  }
}

function read(packet: ReceivedPacket, reader: PacketReader, isVersion5: boolean): PacketForm {
  const { cmd, qos, dup } = packet
  if (isVersion5) checkLength(packet)
  const propertiesOf = (owner: PropertyOwner) => (isVersion5 ? readProperties(reader, owner) : undefined)
  switch (cmd) {
    case 'connect':
      return readConnect(packet, reader)
    case 'publish': {
      // [MQTT-3.3.1-2]
      if (dup && qos === 0) throw new Unreadable(malformed('DUP with QoS 0'))
      const topic = reader.text('the topic name')
      // [MQTT-3.3.2-2]
      if (/[+#]/.test(topic)) throw new Unreadable(malformed('a wildcard in a topic name'))
      if (qos > 0) readPacketIdentifier(reader)
      return { userProperties: propertiesOf('publish') }
    }
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      readPacketIdentifier(reader)
      readReason(reader, isVersion5, 'acknowledgement')
      return {}
    case 'subscribe':
    case 'unsubscribe':
      readPacketIdentifier(reader)
      propertiesOf(cmd)
      // [MQTT-3.8.3-2] [MQTT-3.10.3-2]
      if (reader.isAtEnd) throw new Unreadable(protocolError('no topic filter'))
      while (!reader.isAtEnd) {
        readTopicFilter(reader)
        if (cmd === 'subscribe') reader.byte()
      }
      return {}
    case 'pingreq':
      reader.end()
      return {}
    case 'disconnect':
      readReason(reader, isVersion5, 'disconnect')
      return {}
    case 'auth':
      readReason(reader, isVersion5, 'auth')
      // Nobody gets in with an authentication method, so nobody has one to go on with [MQTT-4.12.0-7].
      throw new Unreadable(protocolError('an AUTH without an authentication method'))
    default:
      throw new Unreadable(protocolError(`clients send no ${cmd.toUpperCase()}`))
  }
}

function readConnect(packet: ReceivedPacket, reader: PacketReader): PacketForm {
  const name = reader.text('the protocol name')
  const version = reader.byte()
  const isSpoken = (name === 'MQTT' && (version === 4 || version === 5)) || (name === 'MQIsdp' && version === 3)
  // [MQTT-3.1.2-1] [MQTT-3.1.2-2]; bridges, which set the highest bit, too.
  if (!isSpoken) throw new Unreadable(unsupported(name, version))
  if (version === 5) checkLength(packet)
  const flags = reader.byte()
  // [MQTT-3.1.2-22] of MQTT 3.1.1; MQTT 5 lets a password come alone.
  if (version < 5 && (flags & 0xc0) === 0x40) throw new Unreadable(malformed('a password without a user name'))
  reader.uint16()
  if (version === 5) readProperties(reader, 'connect')
  reader.text('the client identifier')
  let willUserProperties: UserProperties | undefined
  if (flags & 0x04) {
    willUserProperties = version === 5 ? readProperties(reader, 'will') : undefined
    reader.text('the will topic')
    reader.binary()
  }
  if (flags & 0x80) reader.text('the user name')
  if (flags & 0x40) reader.binary()
  reader.end()
  return { willUserProperties }
}

/** As few as possible; MQTT 3.1.1 does not demand it, and small clients take as many as there could be. */
function checkLength({ lengthBytes, body }: ReceivedPacket): void {
  // [MQTT-1.5.5-1]
  if (lengthBytes > 1 && body.length < 128 ** (lengthBytes - 1)) {
    throw new Unreadable(malformed('its length in too many bytes'))
  }
}

function readPacketIdentifier(reader: PacketReader): void {
  // [MQTT-2.2.1-3]
  if (reader.uint16() === 0) throw new Unreadable(protocolError('packet identifier 0'))
}

/** A reason code and properties; both or the properties can be left out, and in MQTT 3.1.1 there are none. */
function readReason(reader: PacketReader, isVersion5: boolean, owner: PropertyOwner): void {
  if (isVersion5 && !reader.isAtEnd) {
    reader.byte()
    if (!reader.isAtEnd) readProperties(reader, owner)
  }
  reader.end()
}

function readTopicFilter(reader: PacketReader): void {
  const filter = reader.text('a topic filter')
  // [MQTT-4.7.3-1] [MQTT-4.7.1-1] [MQTT-4.7.1-2]
  if (!isFilterForm(filter)) throw new Unreadable(malformed('a topic filter'))
}
