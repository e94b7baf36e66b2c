import type { Packet } from 'mqtt-packet'
import { parser } from 'mqtt-packet'

/** A property as it stood in the packet: repeated ones come more than once, in their order. */
export interface Property {
  readonly name: string
  readonly value: number | string | Buffer | readonly [name: string, value: string]
}

/** A packet and everything that it says, byte by byte. */
export interface Frame<P extends Packet = Packet> {
  /** From the fixed header to the end of the payload. */
  readonly bytes: Buffer
  /** The lower four bits of its first byte. */
  readonly flags: number
  readonly packet: P
  /** Empty for MQTT 3.1.1; of a CONNECT's will: none. */
  readonly properties: readonly Property[]
}

type Type = 'byte' | 'two bytes' | 'four bytes' | 'variable' | 'text' | 'binary' | 'pair'

/** MQTT 5, 2.2.2.2. */
const propertyTypes: Readonly<Record<number, readonly [name: string, type: Type]>> = {
  1: ['Payload Format Indicator', 'byte'],
  2: ['Message Expiry Interval', 'four bytes'],
  3: ['Content Type', 'text'],
  8: ['Response Topic', 'text'],
  9: ['Correlation Data', 'binary'],
  11: ['Subscription Identifier', 'variable'],
  17: ['Session Expiry Interval', 'four bytes'],
  18: ['Assigned Client Identifier', 'text'],
  19: ['Server Keep Alive', 'two bytes'],
  21: ['Authentication Method', 'text'],
  22: ['Authentication Data', 'binary'],
  23: ['Request Problem Information', 'byte'],
  24: ['Will Delay Interval', 'four bytes'],
  25: ['Request Response Information', 'byte'],
  26: ['Response Information', 'text'],
  28: ['Server Reference', 'text'],
  31: ['Reason String', 'text'],
  33: ['Receive Maximum', 'two bytes'],
  34: ['Topic Alias Maximum', 'two bytes'],
  35: ['Topic Alias', 'two bytes'],
  36: ['Maximum QoS', 'byte'],
  37: ['Retain Available', 'byte'],
  38: ['User Property', 'pair'],
  39: ['Maximum Packet Size', 'four bytes'],
  40: ['Wildcard Subscription Available', 'byte'],
  41: ['Subscription Identifier Available', 'byte'],
  42: ['Shared Subscription Available', 'byte'],
}
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads a packet's bytes one field after the other; throws where they end too early or are not what they should be. */
class Reader {
  readonly #bytes: Buffer
  position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  number(size: number): number {
    const value = this.#bytes.readUIntBE(this.position, size)
    this.position += size
    return value
  }

  variable(): number {
    let value = 0
    for (let index = 0; index < 4; index++) {
      const byte = this.number(1)
      value += (byte & 0x7f) * 0x80 ** index
      if (byte < 0x80) {
        if (index > 0 && byte === 0) throw new Error('a variable byte integer is longer than it must be')
        return value
      }
    }
    throw new Error('a variable byte integer has more than four bytes')
  }

  binary(): Buffer {
    const size = this.number(2)
    if (this.position + size > this.#bytes.length) throw new Error('a text or its like ends behind its packet')
    this.position += size
    return this.#bytes.subarray(this.position - size, this.position)
  }

  text(): string {
    return strictText.decode(this.binary())
  }

  property(): Property {
    const identifier = this.variable()
    const [name, type] = propertyTypes[identifier] ?? []
    if (!name || !type) throw new Error(`there is no property ${identifier}`)
    return { name, value: this.#value(type) }
  }

  #value(type: Type): Property['value'] {
    switch (type) {
      case 'byte':
        return this.number(1)
      case 'two bytes':
        return this.number(2)
      case 'four bytes':
        return this.number(4)
      case 'variable':
        return this.variable()
      case 'text':
        return this.text()
      case 'binary':
        return this.binary()
      case 'pair':
        return [this.text(), this.text()]
    }
  }
}

/** The first whole packet of these bytes, undefined if there is none yet. Throws if it is not well-formed. */
export function readFrame(bytes: Buffer, version: 4 | 5): Frame | undefined {
  const lengthEnd = bytes.subarray(1, 5).findIndex((byte) => byte < 0x80)
  if (lengthEnd < 0) {
    if (bytes.length < 5) return undefined
    throw new Error('a remaining length has more than four bytes')
  }
  const reader = new Reader(bytes)
  reader.position = 1
  const size = reader.variable() + reader.position
  if (bytes.length < size) return undefined
  const whole = Buffer.from(bytes.subarray(0, size))
  const packet = parse(whole, version)
  const body = new Reader(whole)
  body.position = reader.position
  const properties = version === 5 ? readProperties(body, packet, size) : []
  return { bytes: whole, flags: (whole[0] ?? 0) & 0x0f, packet, properties }
}

function parse(bytes: Buffer, version: 4 | 5): Packet {
  const packets = parser({ protocolVersion: version })
  let result: Packet | Error = new Error('is not a packet')
  packets.on('packet', (packet) => {
    result = packet
  })
  packets.on('error', (error: Error) => {
    result = error
  })
  packets.parse(bytes)
  const parsed: Packet | Error = result
  if (parsed instanceof Error) throw new Error(`not well-formed: ${bytes.toString('hex')}: ${parsed.message}`)
  return parsed
}

/** What stands before the properties decides where they begin; short acknowledgements have none. */
function readProperties(reader: Reader, packet: Packet, size: number): readonly Property[] {
  switch (packet.cmd) {
    case 'connack':
      reader.number(2)
      break
    case 'publish':
      reader.text()
      if (packet.qos > 0) reader.number(2)
      break
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      reader.number(2)
      if (reader.position === size) return []
      reader.number(1)
      if (reader.position === size) return []
      break
    case 'suback':
    case 'unsuback':
      reader.number(2)
      break
    case 'disconnect':
    case 'auth':
      if (reader.position === size) return []
      reader.number(1)
      if (reader.position === size) return []
      break
    default:
      return []
  }
  const end = reader.variable() + reader.position
  const properties: Property[] = []
  while (reader.position < end) properties.push(reader.property())
  if (reader.position !== end || end > size) throw new Error(`the properties of a ${packet.cmd} end at the wrong place`)
  return properties
}
