import type { AedesPublishPacket, Client } from 'aedes'
import { innerClient } from './aedes-internals.ts'
import type { Connection } from './connection.ts'
import type { Limits } from './limits.ts'
import { mayReceive } from './rights.ts'
import { matches } from './topics.ts'

type Qos = AedesPublishPacket['qos']

export type ForwardVerdict = 'send' | 'skip' | 'disconnect'

/**
 * Judges one live or retained message for one subscriber, once per matching subscription; those from a session's queue do not
 * come here. Lowers the packet's QoS to what the subscriptions grant.
 * - `skip`: the user may not have it, it is a duplicate, or it has QoS 0 and the subscriber does not read fast enough;
 * - `disconnect`: the subscriber has stopped reading.
 */
export function judgeForward(
  client: Client,
  connection: Connection,
  packet: AedesPublishPacket,
  limits: Limits,
): ForwardVerdict {
  if (!connection.user || !mayReceive(connection.user, packet.topic)) return 'skip'
  if (isDuplicate(connection, packet)) return 'skip'
  if (packet.qos > 0) packet.qos = grantedQos(client, packet)
  const unsent = client.conn.writableLength
  if (unsent > limits.stalledSubscriberBytes) return 'disconnect'
  if (packet.qos === 0 && unsent > limits.slowSubscriberBytes) return 'skip'
  return 'send'
}

/** All subscriptions that match a message are served in one go, so a repetition has the number of the message before. */
function isDuplicate(connection: Connection, packet: AedesPublishPacket): boolean {
  // Retained messages sent on subscribing have no broker id and come as often as they are asked for.
  if (!packet.brokerId) return false
  if (connection.lastForwarded === packet.brokerCounter) return true
  connection.lastForwarded = packet.brokerCounter
  return false
}

function grantedQos(client: Client, packet: AedesPublishPacket): Qos {
  const { subscriptions } = innerClient(client)
  let granted: Qos | undefined
  for (const filter of Object.keys(subscriptions)) {
    const qos = subscriptions[filter]?.qos ?? 0
    if ((granted === undefined || qos > granted) && matches(filter, packet.topic)) granted = qos
  }
  return granted === undefined || granted > packet.qos ? packet.qos : granted
}
