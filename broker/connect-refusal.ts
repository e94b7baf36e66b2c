import type { IConnackPacket } from 'mqtt-packet'
import { type Objection, UNSUPPORTED_PROTOCOL_VERSION } from './packet-reader.ts'

/** What a CONNECT that cannot be read is answered with, in the form of which protocol version. */
export interface Refusal {
  readonly packet: IConnackPacket
  readonly version: 4 | 5
}

const UNACCEPTABLE_PROTOCOL_VERSION = 1

/**
 * The answer to a CONNECT that is objected to; undefined where there is none, and the connection is just closed.
 *
 * @param connect what follows its fixed header.
 */
export function refusalOf(connect: Buffer, { reasonCode }: Objection): Refusal | undefined {
  if (levelOf(connect) === 5) return { packet: { cmd: 'connack', sessionPresent: false, reasonCode }, version: 5 }
  // Before MQTT 5 there is no return code for what is malformed [MQTT-3.2.2-6].
  if (reasonCode !== UNSUPPORTED_PROTOCOL_VERSION) return undefined
  // In the form of MQTT 3.1.1, which is the one that demands an answer [MQTT-3.1.2-2].
  const returnCode = UNACCEPTABLE_PROTOCOL_VERSION
  return { packet: { cmd: 'connack', sessionPresent: false, returnCode }, version: 4 }
}

/** The protocol level, behind the protocol name; undefined if even that is missing. */
function levelOf(connect: Buffer): number | undefined {
  return connect.length < 2 ? undefined : connect[2 + connect.readUInt16BE()]
}
