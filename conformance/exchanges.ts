import assert from 'node:assert/strict'
import type { IConnectPacket, IPublishPacket, ISubackPacket, ISubscribePacket, ISubscription, QoS } from 'mqtt-packet'
import type { Frame, Property } from './frames.ts'
import { isOurs } from './suite.ts'
import type { Wire } from './wire.ts'

/** A message as it is to be published; empty and QoS 0 unless said otherwise. */
export type Message = Pick<IPublishPacket, 'topic'> & Partial<IPublishPacket>
type Received = Frame<IPublishPacket>

export const qualities: readonly QoS[] = [0, 1, 2]

let lastPacketId = 0

/** A packet identifier that no connection has used for a long time. */
export function newPacketId(): number {
  lastPacketId = (lastPacketId % 0xffff) + 1
  return lastPacketId
}

export function toPublish(message: Message): IPublishPacket {
  return { cmd: 'publish', dup: false, retain: false, qos: 0, payload: '', ...message }
}

/** What makes a session outlive its connection; it ends within the tests' time unless it is ended before. */
export function lasting(version: 4 | 5, clientId: string, more: Partial<IConnectPacket> = {}): Partial<IConnectPacket> {
  const properties = version === 5 ? { properties: { sessionExpiryInterval: 120, ...more.properties } } : {}
  return { clientId, clean: false, ...more, ...properties }
}

/** Subscribes, and waits until that is granted as it was asked for. */
export async function subscribe(
  wire: Wire,
  filters: string | readonly ISubscription[],
  qos: QoS = 0,
  properties?: ISubscribePacket['properties'],
): Promise<void> {
  const subscriptions = typeof filters === 'string' ? [{ topic: filters, qos }] : [...filters]
  const { granted } = await ask(wire, subscriptions, properties)
  assert.deepEqual(
    granted,
    subscriptions.map((subscription) => subscription.qos),
  )
}

/** Subscribes, and gives the answer, which must be the next packet. */
export async function ask(
  wire: Wire,
  subscriptions: readonly ISubscription[],
  properties?: ISubscribePacket['properties'],
): Promise<ISubackPacket> {
  const messageId = newPacketId()
  const more = properties === undefined ? {} : { properties }
  wire.send({ cmd: 'subscribe', messageId, subscriptions: [...subscriptions], ...more })
  const { packet } = await wire.expect('suback')
  assert.equal(packet.messageId, messageId)
  return packet
}

/** Unsubscribes, and waits until that is done. */
export async function unsubscribe(wire: Wire, ...unsubscriptions: readonly string[]): Promise<void> {
  const messageId = newPacketId()
  wire.send({ cmd: 'unsubscribe', messageId, unsubscriptions: [...unsubscriptions] })
  assert.equal((await wire.expect('unsuback')).packet.messageId, messageId)
}

/** Publishes, and goes through the whole exchange of its QoS; on a connection that receives nothing else meanwhile. */
export async function publish(wire: Wire, ...messages: readonly Message[]): Promise<void> {
  for (const message of messages) {
    const packet = toPublish({ messageId: newPacketId(), ...message })
    const { qos, messageId } = packet
    if (messageId === undefined) throw new Error('this PUBLISH has no packet identifier')
    wire.send(packet)
    // Nobody tells when it has arrived; when the next retained message is acknowledged, it is kept.
    if (qos === 0 && packet.retain) await publish(wire, { topic: `settled${messageId}`, qos: 1, retain: true })
    if (qos === 0) continue
    const answer = (await wire.expect(qos === 1 ? 'puback' : 'pubrec')).packet
    assert.equal(answer.messageId, messageId)
    assert.ok((answer.reasonCode ?? 0) < 0x80, `the broker refuses the message: ${answer.reasonCode}`)
    if (qos === 1) continue
    wire.send({ cmd: 'pubrel', messageId })
    assert.equal((await wire.expect('pubcomp')).packet.messageId, messageId)
  }
}

/** The next packet, which must be a message; it is acknowledged in full, with nothing else coming meanwhile. */
export async function receive(wire: Wire): Promise<Received> {
  const received = await wire.expect('publish')
  await acknowledge(wire, received)
  return received
}

async function acknowledge(wire: Wire, { packet }: Received): Promise<void> {
  const { qos, messageId } = packet
  if (qos === 0) return
  assert.ok(messageId, 'a packet identifier is not 0')
  if (qos === 1) return wire.send({ cmd: 'puback', messageId })
  wire.send({ cmd: 'pubrec', messageId })
  assert.equal((await wire.expect('pubrel')).packet.messageId, messageId)
  wire.send({ cmd: 'pubcomp', messageId })
}

/** All messages up to the one with this payload, without that, in the order in which they came; acknowledged in full. */
async function receiveUntil(wire: Wire, payload: string): Promise<readonly Received[]> {
  const messages: Received[] = []
  const unreleased = new Set<number>()
  for (let isOver = false; !isOver || unreleased.size > 0; ) {
    const { packet, ...rest } = await wire.next()
    const { messageId = 0 } = packet
    if (packet.cmd === 'suback') continue
    if (packet.cmd === 'pubrel') {
      wire.send({ cmd: 'pubcomp', messageId })
      unreleased.delete(messageId)
      continue
    }
    assert.ok(packet.cmd === 'publish', `${rest.bytes.toString('hex')} came`)
    if (packet.qos === 1) wire.send({ cmd: 'puback', messageId })
    if (packet.qos === 2) {
      wire.send({ cmd: 'pubrec', messageId })
      unreleased.add(messageId)
    }
    if (String(packet.payload) === payload) isOver = true
    else messages.push({ packet, ...rest })
  }
  return messages
}

/** Publishes a marker behind what was published, to a topic that the receiver has; what it gets before that. */
export async function receiveAll(receiver: Wire, publisher: Wire, topic: string): Promise<readonly Received[]> {
  const marker = `marker ${newPacketId()}`
  await publish(publisher, { topic, payload: marker, qos: 1 })
  return receiveUntil(receiver, marker)
}

/**
 * What a receiver gets before a retained message that it asks for now: all that its earlier subscriptions have brought it. The
 * topic of that begins as said, and falls under none of them.
 */
export async function receiveKept(receiver: Wire, publisher: Wire, topic: string): Promise<readonly Received[]> {
  const messageId = newPacketId()
  const marker = { topic: topic + messageId, payload: `marker ${messageId}`, qos: 2, retain: true } as const
  await publish(publisher, marker)
  receiver.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic: marker.topic, qos: 2 }] })
  return receiveUntil(receiver, marker.payload)
}

export function payloads(messages: readonly Received[]): readonly string[] {
  return messages.map(({ packet }) => String(packet.payload))
}

/** The values of a property, in their order. */
export function valuesOf(frame: Frame, name: string): readonly Property['value'][] {
  return frame.properties.filter((property) => property.name === name).map(({ value }) => value)
}

/**
 * Closed by the broker; in MQTT 5 with one of these reasons in the last packet, in 3.1.1 without a word. The standard lets a
 * broker leave the reason out; ours may not.
 */
export async function closedBecause(wire: Wire, ...reasonCodes: readonly number[]): Promise<void> {
  const frames = await wire.closed()
  const last = frames.at(-1)?.packet
  if (wire.version === 4) {
    assert.notEqual(last?.cmd, 'disconnect')
    return
  }
  if (!isOurs && last?.cmd !== 'disconnect') return
  assert.equal(last?.cmd, 'disconnect', 'there was no DISCONNECT')
  const reasonCode = last?.cmd === 'disconnect' ? last.reasonCode : undefined
  assert.ok(reasonCodes.includes(reasonCode ?? 0), `the reason is ${reasonCode?.toString(16)}`)
}

/** A text as it stands in packets, in hexadecimal digits: its length, then its bytes. */
export function text(value: string | Buffer): string {
  const bytes = Buffer.from(value)
  return number16(bytes.length) + bytes.toString('hex')
}

export function number16(value: number): string {
  return value.toString(16).padStart(4, '0')
}

/** A packet in hexadecimal digits: its first byte, the remaining length and the rest, all as digits. */
export function packet(first: string, ...rest: readonly string[]): string {
  const body = rest.join('').replaceAll(/\s/g, '')
  const size = body.length / 2
  assert.ok(size < 128 * 128)
  const length = size < 128 ? [size] : [(size % 128) + 128, Math.floor(size / 128)]
  return first + Buffer.from(length).toString('hex') + body
}

/** Properties in hexadecimal digits with their length; nothing in MQTT 3.1.1. */
export function properties(version: 4 | 5, ...all: readonly string[]): string {
  if (version === 4) return ''
  const body = all.join('').replaceAll(/\s/g, '')
  assert.ok(body.length / 2 < 128)
  return (body.length / 2).toString(16).padStart(2, '0') + body
}

/**
 * A CONNECT was refused: in MQTT 5 with a CONNACK that has one of these reasons, in 3.1.1 without a word; then closed. The
 * standard lets a broker leave the CONNACK out; ours may not.
 */
export async function refusedBecause(wire: Wire, ...reasonCodes: readonly number[]): Promise<void> {
  const frames = await wire.closed()
  if (wire.version === 4 || (!isOurs && frames.length === 0)) return assert.deepEqual(frames, [])
  assert.equal(frames.length, 1, 'one packet must come, the CONNACK')
  const answer = frames[0]?.packet
  assert.ok(answer?.cmd === 'connack', `${answer?.cmd} came`)
  assert.ok(reasonCodes.includes(answer.reasonCode ?? 0), `the reason is ${answer.reasonCode?.toString(16)}`)
  assert.equal(answer.sessionPresent, false)
}

/** Does the same with each of these; what fails is named. */
export async function each<T>(all: Readonly<Record<string, T>>, run: (one: T) => Promise<void>): Promise<void> {
  for (const [name, one] of Object.entries(all)) {
    try {
      await run(one)
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
}
