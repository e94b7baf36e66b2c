import type { AedesPublishPacket } from 'aedes'
import type { Target } from './outgoing-queues.ts'
import type { SessionRecord } from './session-record.ts'
import type { Matching } from './session-records.ts'

type Qos = Target['qos']

/** One copy for each session, however many of its subscriptions match, with the highest QoS that they grant. */
export function targetsOf(
  matching: readonly Matching[],
  packet: Pick<AedesPublishPacket, 'qos' | 'retain'>,
  publisher: string | undefined,
): Target[] {
  const targets = new Map<SessionRecord, Target>()
  for (const { record, subscription } of matching) {
    const { qos, retainAsPublished, noLocal, identifier } = subscription
    // [MQTT-3.8.3-3]
    if (noLocal && record.clientId === publisher) continue
    const target = targets.get(record) ?? { record, qos: 0, retain: false, identifiers: [] }
    targets.set(record, {
      record,
      qos: higher(target.qos, lower(qos, packet.qos)),
      retain: target.retain || (packet.retain && retainAsPublished === true),
      identifiers: identifier === undefined ? target.identifiers : [...target.identifiers, identifier],
    })
  }
  return [...targets.values()]
}

function lower(a: Qos, b: Qos): Qos {
  return a < b ? a : b
}

function higher(a: Qos, b: Qos): Qos {
  return a > b ? a : b
}
