import type { AedesPublishPacket } from 'aedes'
import type { SessionRecord } from './session-record.ts'
import type { Match } from './session-records.ts'
import { SharedGroup } from './shared-group.ts'

type Qos = 0 | 1 | 2

/** One copy of a message: who gets it, and how. */
export interface Target {
  readonly record: SessionRecord
  readonly qos: Qos
  readonly retain: boolean
  readonly identifiers: readonly number[]
  /** The shared subscription (`$share/NAME/FILTER`) on behalf of which it comes. */
  readonly share: string | undefined
}

export interface Published extends Pick<AedesPublishPacket, 'qos' | 'retain' | 'topic'> {
  /** The publisher's client id, if a client published it. */
  readonly publisher: string | undefined
  /** Whether a session's queue can take it. */
  readonly fits: (record: SessionRecord) => boolean
}

/**
 * Who gets a message. A client gets one copy for all its subscriptions that match, however many: with the highest QoS that
 * they grant [MQTT-3.3.4-2] and all their identifiers [MQTT-3.3.4-4]. Each shared subscription gives one copy more to one of
 * its members.
 */
export function targetsOf(matches: readonly Match[], published: Published): Target[] {
  if (matches.length === 0) return []
  const own = new Map<SessionRecord, Target>()
  const shared: Target[] = []
  for (const match of matches) {
    if (match instanceof SharedGroup) {
      const target = sharedTarget(match, published)
      if (target) shared.push(target)
      continue
    }
    const { record, subscription } = match
    const { qos, retainAsPublished, noLocal, identifier } = subscription
    // [MQTT-3.8.3-3]
    if (noLocal && record.clientId === published.publisher) continue
    const before = own.get(record)
    const granted = lower(qos, published.qos)
    const isRetained = published.retain && retainAsPublished === true
    own.set(record, {
      record,
      qos: before && before.qos > granted ? before.qos : granted,
      retain: before?.retain === true || isRetained,
      identifiers: withIdentifier(before?.identifiers ?? [], identifier),
      share: undefined,
    })
  }
  return shared.length === 0 ? [...own.values()] : [...own.values(), ...shared]
}

/** The copy that one member of a shared subscription gets; undefined if nobody can take it. */
export function sharedTarget(group: SharedGroup, published: Published): Target | undefined {
  const chosen = group.choose(({ record, subscription }) => {
    const qos = lower(subscription.qos, published.qos)
    const readiness = record.readinessFor(published.topic, qos)
    return readiness && qos > 0 && !published.fits(record) ? 'full' : readiness
  })
  if (!chosen) return undefined
  const { record, subscription } = chosen
  return {
    record,
    qos: lower(subscription.qos, published.qos),
    retain: published.retain && subscription.retainAsPublished === true,
    identifiers: withIdentifier([], subscription.identifier),
    share: subscription.filter,
  }
}

/** As often as the client has given it to subscriptions that match. */
function withIdentifier(identifiers: readonly number[], identifier: number | undefined): readonly number[] {
  return identifier === undefined ? identifiers : [...identifiers, identifier]
}

export function lower(a: Qos, b: Qos): Qos {
  return a < b ? a : b
}
