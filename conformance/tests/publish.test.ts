import assert from 'node:assert/strict'
import {
  closedBecause,
  number16,
  packet,
  payloads,
  properties,
  qualities,
  receiveAll,
  subscribe,
  text,
  toPublish,
} from '../exchanges.ts'
import { statement } from '../suite.ts'

const both = (id: string) => ({ 4: id, 5: id })

statement(
  both('MQTT-3.3.1-2'),
  'closes on DUP with QoS 0, and does not forward it',
  async ({ topic, version, login }) => {
    const [subscriber, publisher, wrong] = [await login(), await login(), await login()]
    await subscribe(subscriber, topic, 0)
    wrong.send(packet('38', text(topic), properties(version), '61'))
    await closedBecause(wrong, 0x81, 0x82)
    assert.deepEqual(await receiveAll(subscriber, publisher, topic), [])
  },
)

statement(both('MQTT-3.3.1-4'), 'closes on a PUBLISH with QoS 3, and does not forward it', async (scene) => {
  const { topic, version, login } = scene
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic, 2)
  for (const first of ['36', '37', '3e', '3f']) {
    const wrong = await login()
    wrong.send(packet(first, text(topic), '0001', properties(version), '61'))
    await closedBecause(wrong, 0x81)
  }
  assert.deepEqual(await receiveAll(subscriber, publisher, topic), [])
})

statement(both('MQTT-3.3.2-1'), 'closes on a topic name that is not UTF-8', async ({ topic, version, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, `${topic}/#`, 2)
  for (const bad of ['ff', 'eda080', 'c080', 'e282']) {
    for (const [first, identifier] of [
      ['30', ''],
      ['32', '0001'],
      ['34', '0001'],
    ] as const) {
      const wrong = await login()
      const name = Buffer.concat([Buffer.from(`${topic}/`), Buffer.from(bad, 'hex')])
      wrong.send(packet(first, text(name), identifier, properties(version)))
      await closedBecause(wrong, 0x81)
    }
  }
  assert.deepEqual(await receiveAll(subscriber, publisher, `${topic}/a`), [])
})

const wildcards = { 4: ['MQTT-3.3.2-2', 'MQTT-4.7.1-1'], 5: ['MQTT-3.3.2-2', 'MQTT-4.7.0-1'] }
statement(wildcards, 'closes on a topic name with a wildcard, and does not forward it', async ({ topic, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, `${topic}/#`, 2)
  for (const end of ['+', '#', 'a+', '+/a', 'a#b']) {
    for (const qos of qualities) {
      const wrong = await login()
      wrong.send(toPublish({ topic: `${topic}/${end}`, qos, messageId: 1 }))
      await closedBecause(wrong, 0x81, 0x82, 0x90)
    }
  }
  assert.deepEqual(await receiveAll(subscriber, publisher, `${topic}/a`), [])
})

const answers = { 4: 'MQTT-3.3.4-1', 5: 'MQTT-3.3.4-1' }
statement(answers, 'answers QoS 0 with nothing, 1 with PUBACK, 2 with PUBREC, subscribers or not', async (scene) => {
  const { topic, login } = scene
  const [subscriber, publisher] = [await login(), await login()]
  for (const turn of ['nobody', 'somebody']) {
    if (turn === 'somebody') await subscribe(subscriber, topic, 0)
    for (const retain of [false, true]) {
      publisher.send(toPublish({ topic, retain, payload: turn }))
      await publisher.quiet()
      publisher.send(toPublish({ topic, retain, payload: turn, qos: 1, messageId: 300 }))
      assert.equal((await publisher.expect('puback')).packet.messageId, 300)
      publisher.send(toPublish({ topic, retain, payload: turn, qos: 2, messageId: 301 }))
      assert.equal((await publisher.expect('pubrec')).packet.messageId, 301)
      publisher.send({ cmd: 'pubrel', messageId: 301 })
      assert.equal((await publisher.expect('pubcomp')).packet.messageId, 301)
      await publisher.quiet()
    }
  }
})

statement(
  { 4: 'MQTT-3.3.5-2' },
  'acknowledges a PUBLISH that is not allowed as if it were, or closes, and forwards it to nobody',
  async ({ topic, login }) => {
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, '#', 2)
    for (const qos of qualities) {
      const other = await login({}, 'try')
      other.send(toPublish({ topic, qos, messageId: 7, payload: 'not allowed', retain: true }))
      if (qos > 0) assert.equal((await other.expect(qos === 1 ? 'puback' : 'pubrec')).packet.messageId, 7)
      if (qos === 2) {
        other.send({ cmd: 'pubrel', messageId: 7 })
        await other.expect('pubcomp')
      }
      await other.quiet()
    }
    const received = await receiveAll(subscriber, publisher, topic)
    assert.ok(!payloads(received).includes('not allowed'))
    const later = await login()
    await subscribe(later, topic, 0)
    await later.quiet()
  },
  { ours: true },
)

statement(
  { 4: 'MQTT-4.8.0-1' },
  'closes the connection that breaks the protocol, and no other',
  async ({ topic, login }) => {
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 1)
    const violations = [
      '00 00',
      'f0 00',
      '31 00',
      'c1 00',
      'e1 00',
      '20 02 00 00',
      'd0 00',
      '90 03 00 01 00',
      'b0 02 00 01',
      '82 02 00 01',
      'a2 02 00 01',
      '82 06 00 00 00 01 61 00',
      'a2 05 00 00 00 01 61',
      packet('32', text(topic), number16(0), '61'),
      packet('34', text(topic), number16(0), '61'),
      '40 01 00',
      'c0 ff ff ff ff 01',
    ]
    for (const violation of violations) {
      const wrong = await login()
      wrong.send(violation)
      await closedBecause(wrong)
      await subscriber.quiet()
    }
    assert.deepEqual(await receiveAll(subscriber, publisher, topic), [])
  },
)
