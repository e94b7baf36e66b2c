import assert from 'node:assert/strict'
import { connectBytes } from '../connect-bytes.ts'
import {
  closedBecause,
  lasting,
  packet,
  properties,
  publish,
  receive,
  subscribe,
  text,
  toPublish,
} from '../exchanges.ts'
import { statement } from '../suite.ts'

const headers = { 4: 'MQTT-2.2.2-1', 5: 'MQTT-2.1.3-1' }

statement(headers, 'sends all flags that are reserved as they must be', async ({ topic, version, clientId, open }) => {
  const wire = await open()
  const id = clientId()
  wire.send(connectBytes(version, { clientId: text(id) }))
  assert.equal((await wire.expect('connack')).bytes[0], 0x20)
  wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 2 }] })
  assert.equal((await wire.expect('suback')).bytes[0], 0x90)
  wire.send({ cmd: 'pingreq' })
  assert.equal((await wire.expect('pingresp')).bytes[0], 0xd0)
  const other = await open()
  other.send(connectBytes(version))
  await other.expect('connack')
  other.send(toPublish({ topic, qos: 1, messageId: 2 }))
  assert.equal((await other.expect('puback')).bytes[0], 0x40)
  await receive(wire)
  other.send(toPublish({ topic, qos: 2, messageId: 3 }))
  assert.equal((await other.expect('pubrec')).bytes[0], 0x50)
  other.send({ cmd: 'pubrel', messageId: 3 })
  assert.equal((await other.expect('pubcomp')).bytes[0], 0x70)
  const message = await wire.expect('publish')
  wire.send({ cmd: 'pubrec', messageId: message.packet.messageId ?? 0 })
  assert.equal((await wire.expect('pubrel')).bytes[0], 0x62)
  wire.send({ cmd: 'pubcomp', messageId: message.packet.messageId ?? 0 })
  wire.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: [topic] })
  assert.equal((await wire.expect('unsuback')).bytes[0], 0xb0)
  if (version === 4) return
  other.send(connectBytes(5))
  assert.equal((await other.closed()).at(-1)?.bytes[0], 0xe0)
})

/** All that a client may send but PUBLISH, of which every flag means something, with the first byte left out. */
function clientPackets(version: 4 | 5): Readonly<Record<string, readonly [first: number, rest: string]>> {
  return {
    PUBACK: [0x40, '020001'],
    PUBREC: [0x50, '020001'],
    PUBREL: [0x62, '020001'],
    PUBCOMP: [0x70, '020001'],
    SUBSCRIBE: [0x82, packet('', '0001', properties(version), text('t'), '00')],
    UNSUBSCRIBE: [0xa2, packet('', '0001', properties(version), text('t'))],
    PINGREQ: [0xc0, '00'],
    DISCONNECT: [0xe0, '00'],
    ...(version === 5 ? { AUTH: [0xf0, '00'] as const } : {}),
  }
}

for (const version of [4, 5] as const) {
  const id = version === 4 ? 'MQTT-2.2.2-2' : 'MQTT-2.1.3-1'
  for (const [name, [first, rest]] of Object.entries(clientPackets(version))) {
    statement({ [version]: id }, `closes on every wrong value of the flags of ${name}`, async ({ login }) => {
      for (let flags = 0; flags < 16; flags++) {
        if (flags === (first & 0x0f)) continue
        const wire = await login()
        wire.send(Buffer.of((first & 0xf0) | flags), rest)
        await closedBecause(wire, 0x81)
      }
    })
  }
  statement({ [version]: id }, 'closes on every wrong value of the flags of CONNECT', async ({ open }) => {
    for (let flags = 1; flags < 16; flags++) {
      const wire = await open()
      wire.send(connectBytes(version, { first: `1${flags.toString(16)}` }))
      for (const { packet: answer } of await wire.closed()) {
        assert.ok(answer.cmd === 'connack' && answer.reasonCode === 0x81)
      }
    }
  })
  statement({ [version]: id }, 'closes on packet type 0, and on types that only servers send', async ({ login }) => {
    for (const bytes of ['0000', '20020000', '9003000100', 'b0020001', 'd000', ...(version === 4 ? ['f000'] : [])]) {
      const wire = await login()
      wire.send(bytes)
      await closedBecause(wire, 0x81, 0x82)
    }
  })
}

statement(
  { 4: 'MQTT-2.3.1-1', 5: 'MQTT-2.2.1-4' },
  'never sends packet identifier 0, and takes none',
  async ({ topic, version, login }) => {
    const wrong = [
      packet('32', text(topic), '0000', properties(version)),
      packet('34', text(topic), '0000', properties(version)),
      packet('82', '0000', properties(version), text(topic), '00'),
      packet('a2', '0000', properties(version), text(topic)),
    ]
    for (const bytes of wrong) {
      const wire = await login()
      wire.send(bytes)
      await closedBecause(wire, 0x81, 0x82)
    }
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 2)
    for (const qos of [1, 2] as const) {
      await publish(publisher, { topic, qos })
      assert.notEqual((await receive(subscriber)).packet.messageId, 0)
    }
  },
)

statement(
  { 4: 'MQTT-2.3.1-4', 5: 'MQTT-2.2.1-4' },
  'gives messages on their way identifiers of their own, and the same ones when it sends them again',
  async ({ topic, version, clientId, login }) => {
    const who = lasting(version, clientId())
    const [subscriber, publisher] = [await login(who), await login()]
    await subscribe(subscriber, topic, 2)
    for (let count = 0; count < 20; count++) await publish(publisher, { topic, qos: count % 2 === 0 ? 1 : 2 })
    const first = []
    for (let count = 0; count < 20; count++) first.push((await subscriber.expect('publish')).packet.messageId)
    assert.ok(first.every((messageId) => messageId !== undefined && messageId > 0))
    assert.equal(new Set(first).size, 20)
    subscriber.cut()
    const again = await login(who)
    const second = []
    for (let count = 0; count < 20; count++) second.push((await again.expect('publish')).packet.messageId)
    assert.deepEqual(second, first)
    // One that is taken is not given to a new message.
    await publish(publisher, { topic, qos: 1 })
    assert.ok(!first.includes((await again.expect('publish')).packet.messageId))
  },
)

statement(
  { 4: 'MQTT-2.3.1-5', 5: ['MQTT-2.2.1-2', 'MQTT-2.2.2-1'] },
  'sends QoS 0 messages without an identifier, and without properties one byte for their length',
  async ({ topic, version, login }) => {
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 2)
    await publish(publisher, { topic, payload: 'x' })
    const { bytes } = await receive(subscriber)
    assert.equal(bytes.toString('hex'), packet('30', text(topic), properties(version), '78'))
  },
)

statement(
  { 4: ['MQTT-2.3.1-6', 'MQTT-2.3.1-7'], 5: ['MQTT-2.2.1-5', 'MQTT-2.2.1-6', 'MQTT-2.2.2-1'] },
  'answers with the identifier that it was asked with',
  async ({ topic, version, login }) => {
    const wire = await login()
    for (const id of ['0001', '00ff', '0100', 'ffff']) {
      wire.send(packet('82', id, properties(version), text(topic), '00'))
      assert.equal((await wire.expect('suback')).bytes.toString('hex'), packet('90', id, properties(version), '00'))
      wire.send(packet('a2', id, properties(version), text(topic)))
      const codes = version === 5 ? '00' : ''
      assert.equal((await wire.expect('unsuback')).bytes.toString('hex'), packet('b0', id, properties(version), codes))
      wire.send(packet('32', text(topic), id, properties(version)))
      assert.equal((await wire.expect('puback')).packet.messageId, Number.parseInt(id, 16))
      wire.send(packet('34', text(topic), id, properties(version)))
      assert.equal((await wire.expect('pubrec')).packet.messageId, Number.parseInt(id, 16))
      wire.send(packet('62', id))
      assert.equal((await wire.expect('pubcomp')).packet.messageId, Number.parseInt(id, 16))
    }
  },
)

statement(
  { 4: 'MQTT-2.3.1-6', 5: 'MQTT-2.2.1-5' },
  'releases with the identifier of the message',
  async ({ topic, login }) => {
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 2)
    await publish(publisher, { topic, qos: 2 }, { topic, qos: 2 })
    const one = await subscriber.expect('publish')
    const two = await subscriber.expect('publish')
    for (const { packet: message } of [two, one]) {
      subscriber.send({ cmd: 'pubrec', messageId: message.messageId ?? 0 })
      assert.equal((await subscriber.expect('pubrel')).packet.messageId, message.messageId)
    }
  },
)
