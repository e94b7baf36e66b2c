import type { Client } from 'aedes'
import type { ISubscribePacket, IUnsubscribePacket } from 'mqtt-packet'
import type { Limits } from './limits.ts'
import type { Persistence } from './persistence.ts'
import { parseNamedFilter } from './shared-subscriptions.ts'
import type { SessionRecord } from './store/session-record.ts'
import { nextStamp } from './store/stamps.ts'
import { NotStored, type StoredSubscription } from './store/store.ts'
import { isFilterForm, isTopicFilter } from './topics.ts'

export type Refusal = 'malformed' | 'not authorized' | 'quota exceeded'

interface SubscribingOptions {
  readonly persistence: Persistence
  readonly limits: Limits
  /** Whether the client's user may subscribe to this well-formed filter (without `$share/NAME/`). */
  readonly maySubscribe: (client: Client, filter: string) => boolean
  readonly onRefused: (client: Client, filter: string, refusal: Refusal) => void
}

interface Requested {
  readonly topic: string
  readonly qos: 0 | 1 | 2
  readonly nl?: boolean
  readonly rap?: boolean
  readonly rh?: number
}

const PROTOCOL_ERROR = 0x82
const NO_SUBSCRIPTION_EXISTED = 0x11
const FAILURE = 0x80
/** MQTT 5; 3.1.1 knows one failure only [MQTT-3.9.3-2]. */
const refusalCodes: Readonly<Record<Refusal, number>> = {
  malformed: 0x8f,
  'not authorized': 0x87,
  'quota exceeded': 0x97,
}

/** Answers SUBSCRIBE and UNSUBSCRIBE: one code for each filter, in their order, when what was granted is stored. */
export class Subscribing {
  readonly #options: SubscribingOptions
  /** What a client asks for later waits for what it has asked for before. */
  readonly #underway = new WeakMap<Client, Promise<unknown>>()

  constructor(options: SubscribingOptions) {
    this.#options = options
  }

  /** The codes for the SUBACK; undefined if the connection ends instead. */
  subscribe(client: Client, packet: ISubscribePacket): Promise<number[] | undefined> {
    return this.#inTurn(client, () => this.#subscribe(client, packet))
  }

  /** The codes for the UNSUBACK. Rejects, where MQTT 3.1.1 has no way to say so, if it cannot be stored. */
  unsubscribe(client: Client, { unsubscriptions }: IUnsubscribePacket): Promise<number[]> {
    return this.#inTurn(client, () => this.#unsubscribe(client, unsubscriptions))
  }

  async #subscribe(client: Client, packet: ISubscribePacket): Promise<number[] | undefined> {
    const { persistence } = this.#options
    const record = persistence.recordOf(client)
    if (!record) return undefined
    const identifier: unknown = packet.properties?.subscriptionIdentifier
    const isWrong = packet.subscriptions.some(isProtocolError) || identifier === 0
    if (isWrong) {
      client.disconnect({ reasonCode: PROTOCOL_ERROR })
      return undefined
    }
    const wanted = new Map<string, StoredSubscription>()
    const codes = packet.subscriptions.map((requested) => {
      const refusal = this.#judge(client, record, requested.topic, wanted)
      if (refusal) return this.#refuse(client, requested.topic, refusal)
      wanted.set(requested.topic, toSubscription(record, requested, identifier, wanted.get(requested.topic)))
      return requested.qos
    })
    try {
      await persistence.subscribe(record, [...wanted.values()])
      await persistence.prepareRetained(client)
      return codes
    } catch (error) {
      if (!(error instanceof NotStored)) throw error
      const failure = client.version === 5 ? refusalCodes['quota exceeded'] : FAILURE
      return codes.map((code) => (code < FAILURE ? failure : code))
    }
  }

  async #unsubscribe(client: Client, names: readonly string[]): Promise<number[]> {
    const { persistence } = this.#options
    const record = persistence.recordOf(client)
    const held = new Set(names.filter((name) => record?.subscriptions.has(name)))
    const codes = names.map((name) => {
      // Named twice, it is gone the second time.
      if (held.delete(name)) return 0
      return isWellFormed(name) ? NO_SUBSCRIPTION_EXISTED : refusalCodes.malformed
    })
    if (!record) return codes
    try {
      await persistence.sessions.unsubscribe(record, names)
      return codes
    } catch (error) {
      if (!(error instanceof NotStored) || client.version !== 5) throw error
      return codes.map((code) => (code === 0 ? FAILURE : code))
    }
  }

  #judge(
    client: Client,
    record: SessionRecord,
    name: string,
    wanted: ReadonlyMap<string, unknown>,
  ): Refusal | undefined {
    const { limits, maySubscribe } = this.#options
    const named = parseNamedFilter(name)
    if (!named || !isFilterForm(named.filter)) return 'malformed'
    if (!isTopicFilter(named.filter, limits) || name.length > limits.topicLength) return 'malformed'
    if (!maySubscribe(client, named.filter)) return 'not authorized'
    if (record.subscriptions.has(name) || wanted.has(name)) return undefined
    const added = [...wanted.keys()].filter((other) => !record.subscriptions.has(other)).length
    return record.subscriptions.size + added >= limits.subscriptionsPerClient ? 'quota exceeded' : undefined
  }

  #refuse(client: Client, name: string, refusal: Refusal): number {
    this.#options.onRefused(client, name, refusal)
    return client.version === 5 ? refusalCodes[refusal] : FAILURE
  }

  #inTurn<Result>(client: Client, task: () => Promise<Result>): Promise<Result> {
    const before = this.#underway.get(client)
    // The first one takes effect at once: what the client publishes next can depend on it.
    const running = before ? before.then(task) : task()
    const settled = running.catch(() => {})
    this.#underway.set(client, settled)
    void settled.then(() => {
      if (this.#underway.get(client) === settled) this.#underway.delete(client)
    })
    return running
  }
}

/** [MQTT-3.8.3-4] */
function isProtocolError({ topic, nl }: Requested): boolean {
  return nl === true && parseNamedFilter(topic)?.share !== undefined
}

function isWellFormed(name: string): boolean {
  const named = parseNamedFilter(name)
  return named !== undefined && isFilterForm(named.filter)
}

/** `earlier` is what the same SUBSCRIBE has asked for before under this filter. */
function toSubscription(
  record: SessionRecord,
  { topic: filter, qos, nl, rap, rh = 0 }: Requested,
  identifier: unknown,
  earlier: StoredSubscription | undefined,
): StoredSubscription {
  const isNew = !earlier && !record.subscriptions.has(filter)
  const isShared = parseNamedFilter(filter)?.share !== undefined
  const wantsRetained = !isShared && (rh === 0 || (rh === 1 && isNew))
  // What is under way of an earlier one goes on, with what this one grants.
  const goesOn = record.retainedWalks.get(filter)
  return {
    session: record.id,
    filter,
    qos,
    retainHandling: rh,
    retainAsPublished: rap,
    noLocal: nl,
    identifier: typeof identifier === 'number' ? identifier : undefined,
    retainedFrom: wantsRetained || earlier?.retainedFrom === '' ? '' : goesOn?.from,
    retainedBefore: wantsRetained || earlier?.retainedFrom === '' ? nextStamp() : goesOn?.before,
  }
}
