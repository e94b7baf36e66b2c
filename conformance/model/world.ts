import type { QoS } from 'mqtt-packet'

/** What a client must receive next, or has received. */
export interface Arrival {
  readonly kind: 'publish' | 'pubrel'
  /** Of a PUBLISH. Payloads say where they come from: PUBLISHER.QOS.NUMBER. */
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
}

export interface Subscription {
  readonly filter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainHandling: 0 | 1 | 2
}

export interface Publication {
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
}

interface Queued {
  readonly arrival: Arrival
  /** What was done about it: nothing, the PUBLISH was sent, its PUBREC was answered. */
  state: 'waits' | 'sent' | 'released'
}

interface Session {
  readonly isLasting: boolean
  readonly asPublished: boolean
  readonly subscriptions: Map<string, Subscription>
  /** QoS 1 and 2, in their order. */
  queue: Queued[]
}

/**
 * What the standard wants of a server and its sessions, slow and obvious: every message is compared with every subscription of
 * every session. It gives what each client that is connected must receive.
 */
export class World {
  readonly sessions = new Map<string, Session>()
  readonly connected = new Set<string>()
  readonly #retained = new Map<string, Publication & { readonly publisher: string }>()
  readonly #due = new Map<string, Arrival[]>()

  /** Whether the session was there before. */
  connect(client: string, clean: boolean, isLasting: boolean, asPublished: boolean): boolean {
    if (clean) this.sessions.delete(client)
    const isPresent = this.sessions.has(client)
    const session = this.sessions.get(client) ?? { isLasting, asPublished, subscriptions: new Map(), queue: [] }
    this.sessions.set(client, session)
    this.connected.add(client)
    this.#due.set(client, [])
    for (const queued of session.queue) this.#send(client, queued)
    return isPresent
  }

  leave(client: string): void {
    this.connected.delete(client)
    if (!this.sessions.get(client)?.isLasting) this.sessions.delete(client)
  }

  subscribe(client: string, subscription: Subscription): void {
    const session = this.#sessionOf(client)
    const isNew = !session.subscriptions.has(subscription.filter)
    session.subscriptions.set(subscription.filter, subscription)
    if (subscription.retainHandling === 2 || (subscription.retainHandling === 1 && !isNew)) return
    for (const kept of this.#retained.values()) {
      if (!matches(subscription.filter, kept.topic)) continue
      if (subscription.noLocal && kept.publisher === client) continue
      this.#deliver(client, session, kept, lower(kept.qos, subscription.qos), true)
    }
  }

  /** Whether there was one. */
  unsubscribe(client: string, filter: string): boolean {
    return this.#sessionOf(client).subscriptions.delete(filter)
  }

  publish(publisher: string, publication: Publication): void {
    const { topic, payload, qos, retain } = publication
    if (retain && payload === '') this.#retained.delete(topic)
    else if (retain) this.#retained.set(topic, { ...publication, publisher })
    for (const [client, session] of this.sessions) {
      const fitting = [...session.subscriptions.values()].filter(
        ({ filter, noLocal }) => matches(filter, topic) && !(noLocal && client === publisher),
      )
      const highest = fitting.sort((one, other) => other.qos - one.qos)[0]
      if (!highest) continue
      this.#deliver(client, session, publication, lower(qos, highest.qos), retain && session.asPublished)
    }
  }

  /** A client has answered what came: for good, or a PUBLISH with QoS 2 only up to PUBREL. */
  answered(client: string, arrival: Arrival, isComplete: boolean): void {
    const session = this.#sessionOf(client)
    const state = arrival.kind === 'publish' ? 'sent' : 'released'
    const isThis = (queued: Queued) => queued.state === state && describe(queued.arrival) === describe(arrival)
    const queued = session.queue.find(isThis)
    if (!queued) throw new Error(`the model knows nothing of ${describe(arrival)}`)
    if (isComplete) session.queue = session.queue.filter((other) => other !== queued)
    else queued.state = 'released'
  }

  /** What a client has to receive, since this was asked last. */
  take(client: string): readonly Arrival[] {
    const due = this.#due.get(client) ?? []
    this.#due.set(client, [])
    return due
  }

  retainedTopics(): readonly string[] {
    return [...this.#retained.keys()]
  }

  #deliver(client: string, session: Session, { topic, payload }: Publication, qos: QoS, retain: boolean): void {
    const arrival: Arrival = { kind: 'publish', topic, payload, qos, retain, dup: false }
    const isConnected = this.connected.has(client)
    if (qos === 0) {
      if (isConnected) this.#due.get(client)?.push(arrival)
      return
    }
    const queued: Queued = { arrival, state: 'waits' }
    session.queue.push(queued)
    if (isConnected) this.#send(client, queued)
  }

  #send(client: string, queued: Queued): void {
    const { arrival, state } = queued
    const due: Arrival = state === 'released' ? { ...arrival, kind: 'pubrel' } : { ...arrival, dup: state === 'sent' }
    this.#due.get(client)?.push(due)
    if (state === 'waits') queued.state = 'sent'
  }

  #sessionOf(client: string): Session {
    const session = this.sessions.get(client)
    if (!session) throw new Error(`${client} has no session`)
    return session
  }
}

/** Everything about a message but how it comes. */
export function describe({ topic, payload, qos, retain }: Arrival): string {
  return `${topic} "${payload}" QoS ${qos}${retain ? ' RETAIN' : ''}`
}

function lower(a: QoS, b: QoS): QoS {
  return a < b ? a : b
}

/** Level by level, as 4.7 tells it; without `$` topics, which no test here uses. */
function matches(filter: string, topic: string): boolean {
  return fits(filter.split('/'), topic.split('/'))
}

function fits([wanted, ...more]: readonly string[], levels: readonly string[]): boolean {
  if (wanted === '#') return true
  const [level, ...below] = levels
  if (wanted === undefined || level === undefined) return wanted === undefined && level === undefined
  return (wanted === '+' || wanted === level) && fits(more, below)
}
