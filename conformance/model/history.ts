import assert from 'node:assert/strict'
import type { IConnectPacket } from 'mqtt-packet'
import { lasting, newPacketId, toPublish } from '../exchanges.ts'
import type { Wire } from '../wire.ts'
import { compare } from './comparison.ts'
import { type Held, Peer, type Received } from './peer.ts'
import type { Burst, Cast, Manner, Step } from './steps.ts'
import { World } from './world.ts'

interface Client extends Cast {
  readonly id: string
  manner: Manner
  held: Held
  peer: Peer | undefined
}

const DEADLINE = 10_000

/** Carries out a history of random steps, and compares after each of them what clients have received with the model. */
export class History {
  readonly #world = new World()
  readonly #clients: readonly Client[]
  readonly #open: (version: 4 | 5) => Promise<Wire>
  readonly #name: string
  readonly #log: string[] = []
  #count = 0

  constructor(name: string, cast: readonly Cast[], open: (version: 4 | 5) => Promise<Wire>) {
    this.#name = name
    this.#open = open
    this.#clients = cast.map((one, index) => ({
      ...one,
      asPublished: one.asPublished && one.version === 5,
      id: `${name}c${index}`,
      held: new Map(),
      peer: undefined,
    }))
  }

  async run(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) {
        this.#log.push(JSON.stringify(step))
        await this.#take(step)
      }
      // In the end everybody gets everything.
      for (const client of this.#clients) {
        this.#log.push(`${client.id} comes, and answers all`)
        client.manner = 'answers'
        if (!client.peer) await this.#connect(client, false)
        await this.#settle(client)
        await this.#answer(client, client.held.size)
      }
    } catch (error) {
      throw new Error(`after ${this.#log.join('\n')}`, { cause: error })
    } finally {
      await this.#cleanUp()
    }
  }

  async #take(step: Step): Promise<void> {
    const client = this.#clients[step.client]
    assert.ok(client)
    switch (step.kind) {
      case 'connect':
        await this.#connect(client, step.clean)
        break
      case 'leave':
        await this.#leave(client, step.isOrderly)
        return
      case 'manner':
        client.manner = step.manner
        return
      case 'answer':
        if (client.peer) await this.#answer(client, step.count)
        break
      case 'subscribe': {
        const peer = client.peer ?? (await this.#connect(client, false))
        const { subscription } = step
        const { qos } = subscription
        const isNew = client.version === 5
        const topic = this.#below(subscription.filter)
        const messageId = newPacketId()
        const options = isNew
          ? { nl: subscription.noLocal, rh: subscription.retainHandling, rap: client.asPublished }
          : {}
        peer.wire.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos, ...options }] })
        assert.deepEqual((await peer.answer('suback')).granted, [qos])
        const plain = { noLocal: false, retainHandling: 0 } as const
        this.#world.subscribe(client.id, { ...subscription, ...(isNew ? {} : plain), filter: topic })
        break
      }
      case 'unsubscribe': {
        const peer = client.peer ?? (await this.#connect(client, false))
        const filter = this.#below(step.filter)
        peer.wire.send({ cmd: 'unsubscribe', messageId: newPacketId(), unsubscriptions: [filter] })
        const { granted } = await peer.answer('unsuback')
        const isHeld = this.#world.unsubscribe(client.id, filter)
        if (client.version === 5) assert.deepEqual(granted, [isHeld ? 0 : 0x11])
        break
      }
      case 'publish':
        await this.#publish(client, step.burst, step.isTorn)
        break
    }
    await this.#settle(client)
  }

  async #connect(client: Client, clean: boolean): Promise<Peer> {
    const { id, version } = client
    // MQTT 3.1.1 has one flag for how a session begins and ends.
    const isFresh = clean || (version === 4 && !client.isLasting)
    const isLasting = client.isLasting && !(version === 4 && isFresh)
    const wire = await this.#open(version)
    const before = client.peer
    if (before) this.#world.leave(id)
    const isPresent = this.#world.connect(id, isFresh, isLasting, client.asPublished)
    if (!isPresent) client.held = new Map()
    const more: Partial<IConnectPacket> = isLasting
      ? lasting(version, id, { clean: isFresh })
      : { clientId: id, clean: isFresh }
    const peer = new Peer(wire, barrierOf(client.id), client.held)
    client.peer = peer
    wire.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, clientId: id, clean: isFresh, ...more })
    const { sessionPresent, returnCode, reasonCode } = await peer.answer('connack')
    assert.deepEqual([returnCode ?? reasonCode, sessionPresent], [0, isPresent])
    before?.wire.cut()
    wire.send({ cmd: 'subscribe', messageId: newPacketId(), subscriptions: [{ topic: barrierOf(client.id), qos: 0 }] })
    await peer.answer('suback')
    return peer
  }

  async #leave(client: Client, isOrderly: boolean): Promise<void> {
    const { peer } = client
    if (!peer) return
    if (isOrderly) {
      peer.wire.send({ cmd: 'disconnect' })
      await peer.wire.closed().catch(() => {})
    }
    peer.wire.cut()
    client.peer = undefined
    this.#world.leave(client.id)
  }

  async #publish(client: Client, burst: readonly Burst[], isTorn: boolean): Promise<void> {
    let peer = client.peer ?? (await this.#connect(client, false))
    const publications = burst.map(({ isEmpty, topic, ...rest }) => {
      const payload = isEmpty ? '' : `${client.id}.${rest.qos}.${++this.#count}`
      return { ...rest, topic: this.#below(topic), payload, messageId: newPacketId() }
    })
    peer.wire.send(...publications.map((publication) => toPublish(publication)))
    for (const publication of publications) this.#world.publish(client.id, publication)
    const acknowledged = publications.filter(({ qos }) => qos > 0)
    for (const _ of acknowledged) await peer.answer('puback', 'pubrec')
    const released = acknowledged.filter(({ qos }) => qos === 2)
    const isLasting = this.#world.sessions.get(client.id)?.isLasting === true
    if (isTorn && isLasting && released.length > 0) {
      await this.#settle(client)
      peer = await this.#connect(client, false)
      peer.wire.send(...released.map((publication) => toPublish({ ...publication, dup: true })))
      for (const _ of released) await peer.answer('puback', 'pubrec')
    }
    for (const { messageId } of released) {
      peer.wire.send({ cmd: 'pubrel', messageId })
      assert.equal((await peer.answer('pubcomp')).messageId, messageId)
    }
  }

  /** Each client that is connected has got what it must, and nothing else; then it does with that what it is used to. */
  async #settle(actor: Client): Promise<void> {
    const publisher = actor.peer ?? (await this.#connect(actor, false))
    const deadline = AbortSignal.timeout(DEADLINE)
    const connected = this.#clients.flatMap(({ peer, ...client }) => (peer ? [{ peer, client }] : []))
    await Promise.all(
      connected.map(async ({ peer, client }) => {
        const due = this.#world.take(client.id)
        const barrier = toPublish({ topic: barrierOf(client.id) })
        const received = await peer.take(due.length, () => publisher.wire.send(barrier), deadline)
        compare(
          client.id,
          received.map(({ arrival }) => arrival),
          due,
        )
        if (client.manner === 'keeps') return
        for (const one of received) await this.#finish(client.id, peer, one, client.manner === 'answers')
        await peer.ping()
      }),
    )
  }

  async #finish(client: string, peer: Peer, one: Received, isComplete: boolean): Promise<void> {
    const { kind, qos } = one.arrival
    if (qos === 0) return
    if (!isComplete && (qos === 1 || kind === 'pubrel')) return
    await peer.finish(one, isComplete)
    this.#world.answered(client, one.arrival, isComplete)
  }

  async #answer({ id, held, peer }: Client, count: number): Promise<void> {
    if (!peer) return
    for (const [messageId, arrival] of [...held].slice(0, count)) {
      await peer.finish({ messageId, arrival }, true)
      this.#world.answered(id, arrival, true)
    }
    await peer.ping()
  }

  async #cleanUp(): Promise<void> {
    for (const client of this.#clients) client.peer?.wire.cut()
    for (const { id, version } of this.#clients) {
      const wire = await this.#open(version)
      wire.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, clientId: id, clean: true })
      await wire.expect('connack')
      for (const topic of this.#world.retainedTopics()) wire.send(toPublish({ topic, retain: true }))
      await wire.quiet()
      wire.cut()
    }
  }

  #below(filter: string): string {
    return `${this.#name}/${filter}`
  }
}

function barrierOf(clientId: string): string {
  return `barrier/${clientId}`
}
