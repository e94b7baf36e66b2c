import assert from 'node:assert/strict'
import { closedBecause, each, packet, properties, receiveAll, subscribe, text } from '../exchanges.ts'
import { statement } from '../suite.ts'

const t = text('t')
const none = properties(5)

/** What is malformed, by what the standard calls so; each could be parsed by who does not look closely. */
const malformed = {
  'bad flags': 'c1 00',
  'a remaining length of five bytes': 'c0ffffffff01',
  'a PINGREQ with a body': 'c00100',
  'a PUBLISH that ends within its topic': packet('30', '0005', '74'),
  'a PUBLISH without the length of its properties': packet('30', t),
  'a PUBLISH of QoS 3': packet('36', t, '0001', none, '78'),
  'a PUBLISH that ends within its identifier': packet('32', t, '00'),
  'properties that are longer than their packet': packet('30', t, '09 0101'),
  'properties that end within one of them': packet('30', t, '03 020000', '00000078'),
  'a property that there is not': packet('30', t, properties(5, '7f00')),
  'a property of another packet': packet('30', t, properties(5, '1100000001')),
  'a PUBACK that is cut': '400100',
  'a PUBACK with more behind its properties': packet('40', '0001', '00', none, '00'),
  'a SUBSCRIBE without options': packet('82', '0001', none, t),
  'a SUBSCRIBE with reserved options': packet('82', '0001', none, t, '40'),
  'a SUBSCRIBE with QoS 3': packet('82', '0001', none, t, '03'),
  'a DISCONNECT with more behind its properties': packet('e0', '00', none, '00'),
}

/** What is well-formed and must not be sent all the same. */
const protocolErrors = {
  'packet type 0': '0000',
  'a PINGRESP': 'd000',
  'a CONNACK': '2003000000',
  'a SUBACK': '900400010000',
  'a payload format of 2': packet('30', t, properties(5, '0102')),
  'a message expiry interval twice': packet('30', t, properties(5, '0200000001 0200000001')),
  'a topic alias twice': packet('30', t, properties(5, '230001 230001')),
  'a content type twice': packet('30', t, properties(5, `03${t} 03${t}`)),
  'an unknown topic alias and no topic': packet('30', text(''), properties(5, '230001')),
  'no topic and no alias': packet('30', text(''), none),
  'a subscription identifier in a PUBLISH': packet('30', t, properties(5, '0b01')),
  'a response topic with a wildcard': packet('30', t, properties(5, '08', text('t/+'))),
  'subscription identifier 0': packet('82', '0001', properties(5, '0b00'), t, '00'),
  'a subscription identifier twice': packet('82', '0001', properties(5, '0b01 0b02'), t, '00'),
  'a SUBSCRIBE without filters': packet('82', '0001', none),
  'an UNSUBSCRIBE without filters': packet('a2', '0001', none),
  'retain handling 3': packet('82', '0001', none, t, '30'),
}

statement({ 5: 'MQTT-4.13.1-1' }, 'closes on what is malformed, with that reason', async ({ login }) => {
  await each(malformed, async (bytes) => {
    const wire = await login()
    wire.send(bytes, 'c000')
    await closedBecause(wire, 0x81)
  })
})

statement({ 5: 'MQTT-4.13.1-1' }, 'closes on what breaks the protocol, with a reason', async ({ login }) => {
  await each(protocolErrors, async (bytes) => {
    const wire = await login()
    wire.send(bytes, 'c000')
    await closedBecause(wire, 0x82, 0x81, 0x94)
  })
})

statement(
  { 5: 'MQTT-4.13.2-1' },
  'closes after a reason of 80 or above in DISCONNECT, does nothing of what came behind, and leaves others alone',
  async ({ login, topic }) => {
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic)
    const behind = packet('30', text(topic), none, '78')
    await each({ ...malformed, ...protocolErrors }, async (bytes) => {
      const wire = await login()
      wire.send(bytes, behind)
      const last = (await wire.closed()).at(-1)?.packet
      assert.ok(last?.cmd === 'disconnect' && (last.reasonCode ?? 0) >= 0x80)
    })
    assert.deepEqual(await receiveAll(subscriber, publisher, topic), [])
  },
)
