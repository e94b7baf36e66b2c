import { decodeDetails } from './message-codec.ts'
import type { OutgoingQueues } from './outgoing-queues.ts'
import type { SessionRecord } from './session-record.ts'
import type { SharedGroup } from './shared-group.ts'
import type { Change, QueuedMessage, Store } from './store.ts'
import { sharedTarget } from './targets.ts'

interface HandingOver {
  readonly store: Pick<Store, 'readQueue' | 'write'>
  readonly queues: OutgoingQueues
  readonly groupOf: (share: string) => SharedGroup | undefined
}

const PAGE_MESSAGES = 100
const PAGE_BYTES = 1024 * 1024

/**
 * Gives what a session that ends had got for shared subscriptions, and not acknowledged, to other members; not a message with
 * QoS 2 that was sent already [MQTT-4.8.2-5]. Undefined if there is nothing to wait for.
 */
export function handOver(parts: HandingOver, record: SessionRecord): Promise<void> | undefined {
  const names = [...record.subscriptions.keys()]
  if (!names.some((name) => parts.groupOf(name))) return undefined
  return record.isStored ? handOverStored(parts, record) : handOverPage(parts, record, held(record))
}

function held(record: SessionRecord): readonly QueuedMessage[] {
  return record.delivery?.sharedMessages() ?? []
}

async function handOverStored(parts: HandingOver, record: SessionRecord): Promise<void> {
  let after = 0
  for (;;) {
    const page = await parts.store.readQueue(record.id, after, PAGE_MESSAGES, PAGE_BYTES)
    const last = page.at(-1)
    if (!last) return
    after = last.sequence
    await handOverPage(parts, record, page)
  }
}

async function handOverPage(
  { store, queues, groupOf }: HandingOver,
  from: SessionRecord,
  page: readonly QueuedMessage[],
) {
  const changes: Change[] = []
  const placings = []
  for (const { share, message, qos, retain, sequence } of page) {
    const group = share === undefined ? undefined : groupOf(share)
    if (!group || !message || (qos === 2 && sequence <= from.sent)) continue
    const published = decodeDetails(message.details).qos ?? qos
    const fits = (record: SessionRecord) => queues.fits(record, message)
    const target = sharedTarget(group, { topic: message.topic, qos: published, retain, publisher: undefined, fits })
    if (!target || target.qos === 0) continue
    const { placing } = queues.place([target], message)
    if (!placing) continue
    placings.push(placing)
    if (placing.change) changes.push(placing.change)
    if (from.isStored) changes.push({ kind: 'dequeued', session: from.id, sequence })
  }
  try {
    if (changes.length > 0) await store.write(changes)
  } catch (error) {
    for (const placing of placings) queues.cancelled(placing)
    throw error
  }
  for (const placing of placings) {
    queues.stored(placing)
    queues.held(placing)
  }
}
