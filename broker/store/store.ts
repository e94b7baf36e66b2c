/** A message as it is kept. */
export interface StoredMessage {
  readonly topic: string
  readonly payload: Uint8Array | string
  /** All else about it (properties, expiry, ...) as JSON; see message-codec.ts. */
  readonly details: string
  /** Given when it is stored: when it expires, milliseconds since 1970. */
  readonly expiresAt?: number | undefined
}

/** A session that outlives its connection. */
export interface StoredSession {
  /** Never used again for another session, so that what is still under way for an ended one does not reach its successor. */
  readonly id: number
  readonly clientId: string
  readonly username: string
  readonly expirySeconds: number
  /** Milliseconds since 1970; null while a connection holds the session. */
  readonly endsAt: number | null
  /** Messages up to this sequence number have been sent at least once. */
  readonly sent: number
}

export interface StoredSubscription {
  readonly session: number
  /** As the client has named it, a shared one with `$share/NAME/`. */
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly retainHandling: number | undefined
  readonly retainAsPublished: boolean | undefined
  readonly noLocal: boolean | undefined
  readonly identifier: number | undefined
  /** From which topic on its retained messages have still to be sent; undefined if none have. */
  readonly retainedFrom: string | undefined
  /** Those that were retained after this (see stamps.ts) have come by themselves. */
  readonly retainedBefore: number | undefined
}

/** The place of one message in one session's queue. */
export interface QueuePlace {
  readonly session: number
  /** Rises within a session; the queue is in this order. */
  readonly sequence: number
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** Of the MQTT 5 subscriptions that match. */
  readonly identifiers: readonly number[]
  /** The shared subscription on behalf of which it comes, if it does. */
  readonly share: string | undefined
  /** What it counts for in the limits, bytes. */
  readonly size: number
}

export interface QueuedMessage extends QueuePlace {
  /** Undefined when the receiver has it and only the end of the QoS 2 exchange is missing (PUBREL, PUBCOMP). */
  readonly message: StoredMessage | undefined
  /** Where another packet identifier was given to it than the one that follows from its sequence number. */
  readonly packetId: number | undefined
}

export interface StoredWill {
  readonly clientId: string
  readonly username: string
  readonly delaySeconds: number
  /** When it is to be published, milliseconds since 1970; null while its connection lives. */
  readonly dueAt: number | null
  readonly message: StoredMessage
}

export type Change =
  | { readonly kind: 'session opened'; readonly session: StoredSession }
  | { readonly kind: 'session left'; readonly session: number; readonly endsAt: number; readonly sent: number }
  | { readonly kind: 'session ended'; readonly session: number }
  | { readonly kind: 'subscribed'; readonly subscription: StoredSubscription }
  | { readonly kind: 'unsubscribed'; readonly session: number; readonly filter: string }
  | {
      readonly kind: 'retained sent'
      readonly session: number
      readonly filter: string
      readonly retainedFrom: string | undefined
      readonly retainedBefore: number
    }
  | { readonly kind: 'queued'; readonly message: StoredMessage; readonly places: readonly QueuePlace[] }
  | { readonly kind: 'identified'; readonly session: number; readonly sequence: number; readonly packetId: number }
  | { readonly kind: 'released'; readonly session: number; readonly sequence: number }
  | { readonly kind: 'dequeued'; readonly session: number; readonly sequence: number }
  | { readonly kind: 'received'; readonly session: number; readonly packetId: number }
  | { readonly kind: 'completed'; readonly session: number; readonly packetId: number }
  | { readonly kind: 'retained'; readonly message: StoredMessage; readonly size: number }
  | { readonly kind: 'forgotten'; readonly topic: string }
  | { readonly kind: 'will left'; readonly will: StoredWill }
  | { readonly kind: 'will delayed'; readonly clientId: string; readonly dueAt: number }
  | { readonly kind: 'will taken'; readonly clientId: string }

/** What the broker holds in memory, as it was stored last. */
export interface StoredState {
  readonly sessions: readonly StoredSession[]
  readonly subscriptions: readonly StoredSubscription[]
  /** Of each session that has any: how many messages wait, their size, and the lowest and highest sequence number. */
  readonly queues: readonly {
    readonly session: number
    readonly messages: number
    readonly bytes: number
    readonly first: number
    readonly last: number
  }[]
  /** QoS 2 publishes that were received and not released. */
  readonly received: readonly { readonly session: number; readonly packetId: number }[]
  readonly retained: readonly { readonly topic: string; readonly size: number }[]
  readonly wills: readonly StoredWill[]
}

export interface RetainedPage {
  readonly messages: readonly StoredMessage[]
  /** Where the next page begins; undefined after the last one. */
  readonly next: string | undefined
}

/** An expired message in a queue; the order is `expiresAt`, `session`, `sequence`. */
export interface ExpiredQueued {
  readonly expiresAt: number
  readonly session: number
  readonly sequence: number
  readonly clientId: string
  readonly size: number
}

/** Before any expired message. */
export const firstExpired: Pick<ExpiredQueued, 'expiresAt' | 'session' | 'sequence'> = {
  expiresAt: 0,
  session: 0,
  sequence: 0,
}

export const emptyState: StoredState = {
  sessions: [],
  subscriptions: [],
  queues: [],
  received: [],
  retained: [],
  wills: [],
}

/**
 * Keeps what must outlive the process. Changes take effect in the order in which they are written, and what is read comes
 * after what was written before.
 */
export interface Store {
  /** Opens the store; once, before anything else. Rejects with StoreUnusable if it cannot be used now. */
  load(): Promise<StoredState>
  /** Resolves when all these changes are safe on disk (or written, where that is enough); if it rejects (with NotStored), none of them took effect. */
  write(changes: readonly Change[]): Promise<void>
  /** Like write, for changes that free something: where it fails it is tried again until it succeeds. */
  writeUntilDone(changes: readonly Change[]): Promise<void>
  /** The next messages of a session's queue after a sequence number, in order: as many as fit, at least one if there is one. */
  readQueue(session: number, after: number, messages: number, bytes: number): Promise<readonly QueuedMessage[]>
  /** Retained messages under a topic filter, from a topic on (the first page: ''). */
  readRetained(filter: string, from: string): Promise<RetainedPage>
  /**
   * What has expired by `now` (milliseconds since 1970), at most `limit` of each: messages in queues that come after one,
   * and the topics of retained ones.
   */
  readExpired(
    now: number,
    after: Pick<ExpiredQueued, 'expiresAt' | 'session' | 'sequence'>,
    limit: number,
  ): Promise<{ readonly queued: readonly ExpiredQueued[]; readonly topics: readonly string[] }>
  /** Writes what is left and ends. */
  close(): Promise<void>
}

const QUOTA_EXCEEDED = 0x97

/** Changes could not be stored, for example because the disk is full. */
export class NotStored extends Error {
  /** What an MQTT 5 client is told. */
  readonly reasonCode = QUOTA_EXCEEDED

  constructor(reason: string) {
    super(`not stored: ${reason}`)
  }
}

/** The store cannot be opened now, but nothing is known to be wrong with its content. */
export class StoreUnusable extends Error {}

/**
 * When a change counts as stored. `written`: when the operating system has it, and the disk has it within a second. The end of
 * the process loses nothing then; a power cut loses what was acknowledged in the last second.
 */
export const acknowledgements = ['synced', 'written'] as const
export type Acknowledge = (typeof acknowledgements)[number]

/** A store that tells when it fails and when it works again. */
export interface StoreAlarm {
  /** Once when changes cannot be stored any more. */
  failing(reason: string): void
  /** Once when they can be again. */
  working(): void
}
