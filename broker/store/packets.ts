import type { AedesPublishPacket, Subscription } from 'aedes'
import { decodeDetails, decodePayload } from './message-codec.ts'
import type { QueuedMessage, StoredMessage, StoredSubscription } from './store.ts'

/** What is stored, in the shapes that aedes knows. */
export function toPacket({ topic, payload, details }: StoredMessage): object {
  return { ...decodeDetails(details), topic, payload: decodePayload(payload) }
}

export function toQueuedPacket({ message, qos, retain, packetId }: QueuedMessage): object {
  if (!message) return { cmd: 'pubrel', messageId: packetId }
  return { ...toPacket(message), qos, retain, messageId: packetId }
}

export function isSame({ message }: QueuedMessage, packet: AedesPublishPacket): boolean {
  const { brokerId, brokerCounter } = message ? decodeDetails(message.details) : {}
  return brokerId !== undefined && brokerId === packet.brokerId && brokerCounter === packet.brokerCounter
}

export function toSubscription({ filter, qos, retainHandling, retainAsPublished, noLocal }: StoredSubscription) {
  return { topic: filter, qos, rh: retainHandling, rap: retainAsPublished, nl: noLocal }
}

export function toStoredSubscription(session: number, subscription: Subscription): StoredSubscription {
  const { topic: filter, qos, rh, rap, nl } = subscription
  const identifier =
    'subscriptionIdentifier' in subscription && typeof subscription.subscriptionIdentifier === 'number'
      ? subscription.subscriptionIdentifier
      : undefined
  return {
    session,
    filter,
    qos,
    retainHandling: rh,
    retainAsPublished: rap,
    noLocal: nl,
    identifier,
    retainedFrom: undefined,
    retainedBefore: undefined,
  }
}
