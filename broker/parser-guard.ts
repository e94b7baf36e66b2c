import type { Client } from 'aedes'
import type { Packet } from 'mqtt-packet'
import { innerClient } from './aedes-internals.ts'
import { refusalOf } from './connect-refusal.ts'
import type { Limits } from './limits.ts'
import { type PacketForm, readForm } from './packet-form.ts'
import { objectionTo } from './packet-guard.ts'
import type { UserProperties } from './packet-properties.ts'
import { malformed, type Objection } from './packet-reader.ts'

export interface ParserGuard {
  /** Judges a packet that is harmless by itself, and may change it. */
  readonly judge: (packet: Packet) => Objection | undefined
  readonly onObjection: (reason: string) => void
}

/**
 * Stands before a client's parser and behind it: what is malformed or would harm aedes ends the connection, with a reason
 * where the client can be told [MQTT-4.13.1-1], and nothing that comes after it is read. A packet that makes the parser or
 * a handler throw ends its own connection, not the process.
 */
export function guardParser(client: Client, limits: Limits, { judge, onObjection }: ParserGuard): void {
  const parser = innerClient(client)._parser
  const [deliver] = parser.listeners('packet')
  if (!deliver) throw new Error('aedes no longer listens to its parser: the guard must be adapted')
  parser.removeAllListeners('packet')
  parser.removeAllListeners('error')
  let refused = false
  let form: PacketForm = {}
  let connect: Buffer | undefined
  const refuse = (objection: Objection) => {
    if (refused) return
    refused = true
    onObjection(objection.reason)
    const refusal = connect && !client.connecting && !client.connected ? refusalOf(connect, objection) : undefined
    // Before CONNACK it just closes [MQTT-3.14.0-1].
    if (!refusal) return client.disconnect({ reasonCode: objection.reasonCode })
    const inner = innerClient(client)
    inner.connecting = true
    inner.outlet.write(refusal.packet, () => client.close(), refusal.version)
  }

  parser.on('error', (error) => refuse(malformed(error.message)))
  parser.on('packet', (packet) => {
    if (refused) return
    const objection = objectionTo(packet, limits) ?? judge(packet)
    if (objection) return refuse(objection)
    keepOrder(packet, form)
    deliver.call(parser, packet)
  })

  const parseLength = parser._parseLength.bind(parser)
  let lengthBytes = 0
  parser._parseLength = () => {
    const before = parser._list.length
    const isRead = parseLength()
    lengthBytes = before - parser._list.length
    return isRead
  }

  const parsePayload = parser._parsePayload.bind(parser)
  parser._parsePayload = () => {
    const { cmd, qos, dup, length } = parser.packet
    if (parser._list.length < length) return false
    const received = { cmd, qos, dup, lengthBytes, body: parser._list.slice(0, length) }
    if (cmd === 'connect') connect = received.body
    form = readForm(received, parser.settings.protocolVersion)
    if (form.objection) {
      refuse(form.objection)
      return false
    }
    // Of a DISCONNECT or an AUTH it would read on in the next packet.
    const all = parser._list
    parser._list = all.shallowSlice(0, length)
    try {
      return parsePayload()
    } finally {
      parser._list = all
    }
  }

  const parse = parser.parse.bind(parser)
  parser.parse = (bytes) => {
    if (refused) return 0
    try {
      const left = parse(bytes)
      const isLoggedIn = client.connecting || client.connected
      if (!isLoggedIn && parser.packet.length > limits.connectPacketSize) {
        client.emit('error', new Error('the first packet is too large'))
      }
      return left
    } catch (error) {
      client.emit('error', error instanceof Error ? error : new Error(String(error)))
      return 0
    }
  }
}

/** The parser gives user properties by their names, which loses their order and some of those that have no value. */
function keepOrder(packet: Packet, { userProperties, willUserProperties }: PacketForm): void {
  if (packet.cmd === 'publish') replace(packet.properties, userProperties)
  if (packet.cmd === 'connect') replace(packet.will?.properties, willUserProperties)
}

function replace(properties: object | undefined, userProperties: UserProperties | undefined): void {
  // As a list of single ones, mqtt-packet writes them in this order.
  if (properties && userProperties) Object.assign(properties, { userProperties })
}
