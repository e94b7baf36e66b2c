import assert from 'node:assert/strict'
import { connectBytes } from '../connect-bytes.ts'
import { lasting, publish, receive, subscribe, text, valuesOf } from '../exchanges.ts'
import { statement } from '../suite.ts'

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

statement(
  { 4: 'MQTT-3.1.3-5', 5: 'MQTT-3.1.3-5' },
  'takes client identifiers of 1 to 23 letters and digits',
  async ({ login }) => {
    for (let length = 1; length <= 23; length++) {
      for (let start = 0; start < alphabet.length; start += length) {
        const clientId = alphabet.slice(start, start + length)
        if (clientId.length < length) break
        const wire = await login({ clientId })
        if (start === 0) await wire.quiet()
        wire.cut()
      }
    }
  },
)

statement(
  { 4: 'MQTT-3.1.3-6', 5: 'MQTT-3.1.3-6' },
  'gives who has no client identifier one of its own',
  async ({ topic, login }) => {
    const wires = [await login(), await login(), await login()]
    for (const wire of wires) await subscribe(wire, topic)
    await publish(await login(), { topic, payload: 'x' })
    for (const wire of wires) {
      await receive(wire)
      await wire.quiet()
    }
  },
)

statement(
  { 5: ['MQTT-3.1.3-6', 'MQTT-3.1.3-7', 'MQTT-3.2.2-16'] },
  'tells the client identifier that it gave, under which the session is found again',
  async ({ open, topic }) => {
    const given = []
    for (let count = 0; count < 3; count++) {
      const wire = await open()
      wire.send(connectBytes(5, { properties: '05 1100000e10' }))
      const answer = await wire.expect('connack')
      const [name, ...more] = valuesOf(answer, 'Assigned Client Identifier')
      assert.ok(typeof name === 'string' && name.length > 0)
      assert.deepEqual(more, [])
      await subscribe(wire, topic, 1)
      wire.cut()
      given.push(name)
    }
    assert.equal(new Set(given).size, 3)
    for (const clientId of given) {
      const again = await open()
      again.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: false, clientId })
      const answer = await again.expect('connack')
      assert.equal(answer.packet.sessionPresent, true)
      assert.deepEqual(valuesOf(answer, 'Assigned Client Identifier'), [])
    }
  },
)

statement({ 5: 'MQTT-3.1.3-6' }, 'gives a client identifier also without a clean start', async ({ open }) => {
  const wire = await open()
  wire.send(connectBytes(5, { flags: '00' }))
  const answer = await wire.expect('connack')
  assert.equal(answer.packet.reasonCode, 0)
  assert.equal(valuesOf(answer, 'Assigned Client Identifier').length, 1)
})

statement(
  { 4: ['MQTT-3.1.3-8', 'MQTT-3.1.3-9', 'MQTT-3.2.2-4', 'MQTT-3.2.2-5'] },
  'refuses an empty client identifier for a session that is to last: code 2',
  async ({ open }) => {
    const wire = await open()
    wire.send(connectBytes(4, { flags: '00' }), 'c000')
    assert.deepEqual(
      (await wire.closed()).map(({ bytes }) => bytes.toString('hex')),
      ['20020002'],
    )
  },
)

statement(
  { 4: 'MQTT-3.1.3-9', 5: ['MQTT-3.1.3-8', 'MQTT-3.2.2-7'] },
  'refuses a client identifier that is too long, and closes',
  async ({ open, version, login }) => {
    const accepted = await login({ clientId: 'c'.repeat(256) })
    await accepted.quiet()
    const wire = await open()
    wire.send(connectBytes(version, { clientId: text('c'.repeat(257)) }), 'c000')
    const answers = await wire.closed()
    assert.equal(answers.length, 1)
    assert.equal(answers[0]?.bytes[2], 0)
    assert.equal(answers[0]?.bytes[3], version === 4 ? 2 : 0x85)
  },
  { ours: true },
)

statement(
  { 4: 'MQTT-3.1.3-9', 5: 'MQTT-3.1.3-8' },
  "refuses the client identifier of another user's session, and closes",
  async ({ open, login, version, clientId }) => {
    const owner = await login(lasting(version, clientId()))
    const wire = await open('try')
    wire.send(connectBytes(version, { clientId: text(clientId()) }), 'c000')
    const answers = await wire.closed()
    assert.deepEqual(
      answers.map(({ bytes }) => bytes[3]),
      [version === 4 ? 2 : 0x85],
    )
    await owner.quiet()
  },
  { ours: true },
)
