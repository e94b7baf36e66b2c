import type { Aedes, Client } from 'aedes'
import type { Packet } from 'mqtt-packet'
import { innerBroker, innerClient } from './aedes-internals.ts'
import type { Limits } from './limits.ts'
import { objectionTo } from './packet-guard.ts'

/**
 * Makes the broker's maps hold any client id; `constructor` or `__proto__` would end the process. Takes the end of sessions
 * away from aedes. Before `listen()`.
 */
export function mendBroker(broker: Aedes): void {
  const inner = innerBroker(broker)
  inner.clients = Object.create(null)
  inner.brokers = Object.create(null)
  // Its timers end with the process; the broker has its own, which is stored.
  inner.scheduleSessionExpiry = () => {}
}

/** The same for a new client, and stops what would harm aedes before it gets there. Right after `handle()`. */
export function mendClient(client: Client, limits: Limits, onObjection: (reason: string) => void): void {
  const inner = innerClient(client)
  inner.subscriptions = Object.create(null)
  inner.duplicates = acceptAnything()
  guardPackets(client, limits, onObjection)
  guardParser(client, limits)
}

/**
 * aedes drops a message whose number is below the last one delivered, although messages overtake each other on their way.
 * It is told that there was none; real duplicates are found when a message is forwarded.
 */
function acceptAnything(): Record<string, number> {
  return new Proxy<Record<string, number>>(Object.create(null), { get: () => 0, set: () => true })
}

function guardPackets(client: Client, limits: Limits, onObjection: (reason: string) => void): void {
  const parser = innerClient(client)._parser
  const [deliver] = parser.listeners('packet')
  if (!deliver) throw new Error('aedes no longer listens to its parser: the packet guard must be adapted')
  parser.removeAllListeners('packet')
  let refused = false
  parser.on('packet', (packet: Packet) => {
    if (refused) return
    const objection = objectionTo(packet, limits)
    if (!objection) {
      deliver.call(parser, packet)
      return
    }
    refused = true
    onObjection(objection.reason)
    // A server sends DISCONNECT only after CONNACK [MQTT-3.14.0-1]; aedes then just closes.
    if (packet.cmd === 'connect') client.close()
    else client.disconnect({ reasonCode: objection.reasonCode })
  })
}

/** A packet that makes the parser or a handler throw ends its own connection, not the process. */
function guardParser(client: Client, limits: Limits): void {
  const parser = innerClient(client)._parser
  const parse = parser.parse.bind(parser)
  parser.parse = (bytes) => {
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
