// The package's own types stand beside the callback version only.
declare module 'aedes-persistence/asyncPersistence.js' {
  import type { AedesPublishPacket, Client, Subscription } from 'aedes'

  type SessionId = Pick<Client, 'id'>
  type Will = Pick<AedesPublishPacket, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'>
  type MatchingSubscription = Subscription & { clientId: string }

  export default class MemoryPersistence {
    setup(broker: { id: string }): Promise<void>
    addSubscriptions(client: Client, subscriptions: Subscription[]): Promise<void>
    removeSubscriptions(client: SessionId, topics: string[]): Promise<void>
    subscriptionsByClient(client: SessionId): Promise<Subscription[]>
    subscriptionsByTopic(topic: string): Promise<MatchingSubscription[]>
    cleanSubscriptions(client: SessionId): Promise<void>
    putWill(client: SessionId, will: Will): Promise<void>
    delWill(client: SessionId): Promise<Will | undefined>
  }
}
