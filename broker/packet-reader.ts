import { isUtf8 } from 'node:buffer'

/** MQTT 5 reason codes for what is wrong with a packet. */
const MALFORMED_PACKET = 0x81
const PROTOCOL_ERROR = 0x82
export const UNSUPPORTED_PROTOCOL_VERSION = 0x84

/** Why a packet is not given to aedes: in words for the log, and as an MQTT 5 reason code for the client. */
export interface Objection {
  readonly reason: string
  readonly reasonCode: number
}

/** Thrown where a packet cannot be read on. */
export class Unreadable extends Error {
  readonly objection: Objection

  constructor(objection: Objection) {
    super(objection.reason)
    this.objection = objection
  }
}

export function malformed(what: string): Objection {
  return { reason: `malformed packet: ${what}`, reasonCode: MALFORMED_PACKET }
}

export function protocolError(what: string): Objection {
  return { reason: `protocol error: ${what}`, reasonCode: PROTOCOL_ERROR }
}

/** Another protocol, or another level of it; MQTT 3.1.1 has no code for the former [MQTT-3.2.2-6]. */
export function unsupported(name: string, level: number): Objection {
  if (level !== 5 && name !== 'MQTT' && name !== 'MQIsdp') return malformed('the protocol name')
  return { reason: `unsupported protocol: level ${level}`, reasonCode: UNSUPPORTED_PROTOCOL_VERSION }
}

/** Reads the data types of MQTT from the bytes of a packet, and never beyond them. Everything throws `Unreadable`. */
export class PacketReader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length
  }

  byte(): number {
    return this.#take(1).readUInt8()
  }

  uint16(): number {
    return this.#take(2).readUInt16BE()
  }

  uint32(): number {
    return this.#take(4).readUInt32BE()
  }

  /** In the fewest bytes [MQTT-1.5.5-1]. */
  variableByteInteger(): number {
    let value = 0
    for (let index = 0; index < 4; index++) {
      const byte = this.byte()
      value += (byte & 0x7f) * 128 ** index
      if (byte >= 0x80) continue
      if (byte === 0 && index > 0) throw new Unreadable(malformed('a number in too many bytes'))
      return value
    }
    throw new Unreadable(malformed('a number of more than four bytes'))
  }

  binary(): Buffer {
    return this.#take(this.uint16())
  }

  /** UTF-8 without surrogates and U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]. */
  text(what: string): string {
    const bytes = this.binary()
    if (!isUtf8(bytes)) throw new Unreadable(malformed(`${what} is not UTF-8`))
    if (bytes.includes(0)) throw new Unreadable(malformed(`U+0000 in ${what}`))
    return bytes.toString()
  }

  /** A reader for the next bytes only. */
  part(length: number): PacketReader {
    return new PacketReader(this.#take(length))
  }

  end(): void {
    if (!this.isAtEnd) throw new Unreadable(malformed('bytes after its end'))
  }

  #take(length: number): Buffer {
    const end = this.#position + length
    if (end > this.#bytes.length) throw new Unreadable(malformed('it is too short'))
    const taken = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return taken
  }
}
