import assert from 'node:assert/strict'
import { connectBytes } from '../connect-bytes.ts'
import { lasting, payloads, properties, publish, receive, receiveAll, subscribe, text, valuesOf } from '../exchanges.ts'
import { statement } from '../suite.ts'

statement(
  { 5: ['MQTT-3.1.2-24', 'MQTT-3.1.2-25'] },
  'drops a message that is larger than the client takes, and goes on with the next',
  async ({ topic, clientId, login }) => {
    const maximumPacketSize = 100
    const who = lasting(5, clientId(), { properties: { sessionExpiryInterval: 60, maximumPacketSize } })
    const subscriber = await login(who)
    const publisher = await login()
    for (const [index, qos] of ([0, 1, 2] as const).entries()) {
      await subscribe(subscriber, `${topic}/${qos}`, qos)
      // Fixed header 2, topic with its length, packet identifier above QoS 0, no properties 1.
      const room = maximumPacketSize - 2 - 2 - topic.length - 2 - (qos > 0 ? 2 : 0) - 1
      const [fits, tooLarge] = ['x'.repeat(room), 'y'.repeat(room + 1)]
      await publish(publisher, { topic: `${topic}/${qos}`, qos, payload: tooLarge })
      await publish(publisher, { topic: `${topic}/${qos}`, qos, payload: fits })
      const { bytes, packet } = await receive(subscriber)
      assert.equal(packet.payload.toString(), fits, `message ${index}`)
      assert.equal(bytes.length, maximumPacketSize)
    }
    subscriber.cut()
    // It counts as sent: also a client that would take it now does not get it any more.
    const larger = await login(lasting(5, clientId()))
    assert.deepEqual(payloads(await receiveAll(larger, publisher, `${topic}/1`)), [])
  },
)

statement(
  { 5: ['MQTT-3.1.2-24', 'MQTT-3.1.2-25'] },
  'drops what is too large also from the messages that waited, and from those that are retained',
  async ({ topic, clientId, login }) => {
    const publisher = await login()
    const first = await login(lasting(5, clientId()))
    await subscribe(first, topic, 1)
    first.cut()
    await publish(publisher, { topic, qos: 1, payload: 'x'.repeat(200) }, { topic, qos: 1, payload: 'small' })
    await publish(publisher, { topic: `${topic}/retained`, qos: 1, retain: true, payload: 'x'.repeat(200) })
    const properties = { sessionExpiryInterval: 60, maximumPacketSize: 100 }
    const again = await login(lasting(5, clientId(), { properties }))
    assert.equal((await receive(again)).packet.payload.toString(), 'small')
    await subscribe(again, `${topic}/retained`, 1)
    assert.deepEqual(payloads(await receiveAll(again, publisher, topic)), [])
    await publish(publisher, { topic: `${topic}/retained`, qos: 1, retain: true })
  },
)

statement(
  { 5: 'MQTT-3.1.2-24' },
  'sends nothing that is larger than the client takes, whatever it is',
  async ({ open }) => {
    for (const size of ['01', '04', '05', '08', '10', '18', '20', '40']) {
      const wire = await open()
      wire.send(connectBytes(5, { properties: properties(5, `27 000000${size}`) }))
      const filters = Array.from({ length: 70 }, (_, index) => ({ topic: `t/${index}`, qos: 0 as const }))
      wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: filters }, 'c000')
      // Where an answer does not fit, it can only close.
      const frames = []
      try {
        while (frames.at(-1)?.packet.cmd !== 'pingresp') frames.push(await wire.next())
      } catch {
        assert.ok(wire.stream.destroyed)
      }
      for (const { bytes } of frames) assert.ok(bytes.length <= Number.parseInt(size, 16))
      wire.cut()
    }
  },
)

statement(
  { 5: ['MQTT-3.1.2-26', 'MQTT-3.1.2-27'] },
  'uses no topic alias above what the client takes, and none where it takes none',
  async ({ topic, login }) => {
    const publisher = await login()
    for (const topicAliasMaximum of [undefined, 0, 1, 2, 65_535]) {
      const wire = await login(topicAliasMaximum === undefined ? {} : { properties: { topicAliasMaximum } })
      await subscribe(wire, `${topic}/#`, 1)
      for (let round = 0; round < 2; round++) {
        for (let number = 0; number < 4; number++) {
          await publish(publisher, { topic: `${topic}/${number}`, qos: 1 })
          const message = await receive(wire)
          const [alias, ...more] = valuesOf(message, 'Topic Alias')
          assert.deepEqual(more, [])
          if (alias === undefined) {
            assert.equal(message.packet.topic, `${topic}/${number}`)
            continue
          }
          assert.ok(typeof alias === 'number' && alias >= 1 && alias <= (topicAliasMaximum ?? 0), `alias ${alias}`)
        }
      }
      wire.cut()
    }
  },
)

statement({ 5: 'MQTT-3.1.2-28' }, 'gives no response information that is not asked for', async ({ open }) => {
  for (const asked of ['', '1900']) {
    const wire = await open()
    wire.send(connectBytes(5, { properties: properties(5, asked) }))
    assert.deepEqual(valuesOf(await wire.expect('connack'), 'Response Information'), [])
  }
})

statement(
  { 5: 'MQTT-3.1.2-29' },
  'explains nothing to a client that does not want to know, except in PUBLISH, CONNACK and DISCONNECT',
  async ({ open, topic }) => {
    const wire = await open('try')
    wire.send(connectBytes(5, { properties: properties(5, '1700') }))
    await wire.expect('connack')
    // Everything that can be refused, or is for nothing.
    wire.send(
      {
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [
          { topic, qos: 0 },
          { topic: 'a/#', qos: 2 },
        ],
      },
      { cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] },
      { cmd: 'publish', messageId: 3, qos: 1, dup: false, retain: false, topic, payload: 'x' },
      { cmd: 'publish', messageId: 4, qos: 2, dup: false, retain: false, topic, payload: 'x' },
      { cmd: 'pubrel', messageId: 5 },
    )
    const kinds = ['suback', 'unsuback', 'puback', 'pubrec', 'pubcomp']
    const seen = []
    for (const _ of kinds) {
      const frame = await wire.next()
      assert.deepEqual(valuesOf(frame, 'Reason String'), [])
      assert.deepEqual(valuesOf(frame, 'User Property'), [])
      seen.push(frame.packet.cmd)
    }
    assert.deepEqual(seen.sort(), kinds.sort())
    // In a PUBLISH they belong to the message.
    await subscribe(wire, `try/${topic}`)
    wire.send({
      ...{ cmd: 'publish', qos: 0, dup: false, retain: false, topic: `try/${topic}`, payload: '' },
      properties: { userProperties: { name: 'value' } },
    })
    assert.deepEqual(valuesOf(await receive(wire), 'User Property'), [['name', 'value']])
  },
  { ours: true },
)

statement(
  { 5: ['MQTT-3.2.2-19', 'MQTT-3.2.2-20'] },
  'leaves out of CONNACK what would make it larger than the client takes',
  async ({ open }) => {
    // Refusals, which are what could be explained; 5 bytes are a CONNACK without properties.
    for (const more of ['210000', `15${text('method')}`, `16${text('data')}`]) {
      const wire = await open()
      wire.send(connectBytes(5, { properties: properties(5, '2700000005', more) }))
      const [answer] = await wire.closed()
      assert.equal(answer?.bytes.length, 5)
      assert.deepEqual(answer?.properties, [])
    }
  },
)
