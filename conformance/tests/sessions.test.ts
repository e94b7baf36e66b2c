import assert from 'node:assert/strict'
import type { IConnectPacket } from 'mqtt-packet'
import { lasting, packet, payloads, properties, publish, receive, receiveAll, subscribe, text } from '../exchanges.ts'
import { type Scene, statement } from '../suite.ts'
import type { Wire } from '../wire.ts'

/** Connects, and tells whether the broker has a session for this client. */
async function resume(
  { open, version }: Scene,
  more: Partial<IConnectPacket>,
): Promise<{ wire: Wire; isPresent: boolean }> {
  const wire = await open()
  wire.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, clientId: '', clean: true, ...more })
  const { bytes, packet: answer } = await wire.expect('connack')
  assert.equal(bytes[3], 0)
  return { wire, isPresent: answer.sessionPresent }
}

/** Takes leave with a DISCONNECT, and waits until the broker knows. */
async function leave(wire: Wire): Promise<void> {
  wire.send({ cmd: 'disconnect' })
  await wire.closed()
}

statement(
  {
    4: ['MQTT-3.1.2-4', 'MQTT-3.1.4-3', 'MQTT-3.2.2-2', 'MQTT-3.2.2-3', 'MQTT-4.1.0-1'],
    5: ['MQTT-3.1.2-5', 'MQTT-3.1.2-6', 'MQTT-3.1.2-23', 'MQTT-3.1.4-4', 'MQTT-3.2.2-3'],
  },
  'makes a session, resumes it with all that belongs to it, and says so',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const who = lasting(version, clientId())
    const publisher = await login()
    const first = await resume(scene, who)
    assert.equal(first.isPresent, false)
    await subscribe(first.wire, [{ topic, qos: 2 }])
    // One message on its way in each direction, and one each that waits.
    first.wire.send(packet('34', text(`${topic}/in`), '0007', properties(version), '78'))
    assert.equal((await first.wire.expect('pubrec')).packet.messageId, 7)
    await publish(publisher, { topic, qos: 2, payload: 'on its way' })
    const { messageId = 0 } = (await first.wire.expect('publish')).packet
    first.wire.send({ cmd: 'pubrec', messageId })
    await first.wire.expect('pubrel')
    await leave(first.wire)
    await publish(publisher, { topic, qos: 1, payload: 'waits' }, { topic, qos: 2, payload: 'waits, too' })

    const second = await resume(scene, who)
    assert.equal(second.isPresent, true)
    assert.equal((await second.wire.expect('pubrel')).packet.messageId, messageId)
    second.wire.send({ cmd: 'pubcomp', messageId })
    assert.equal((await receive(second.wire)).packet.payload.toString(), 'waits')
    assert.equal((await receive(second.wire)).packet.payload.toString(), 'waits, too')
    // What it had sent with QoS 2 is still known by its identifier.
    second.wire.send('62020007')
    const { packet: completed } = await second.wire.expect('pubcomp')
    assert.equal(completed.messageId, 7)
    assert.equal(completed.reasonCode ?? 0, 0)
    // The subscription, too.
    assert.deepEqual(payloads(await receiveAll(second.wire, publisher, topic)), [])
  },
)

statement(
  { 4: ['MQTT-3.1.2-5', 'MQTT-4.1.0-1'], 5: 'MQTT-4.1.0-1' },
  'keeps messages of QoS 1 and 2 for a session that nobody is connected to, in order',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const who = lasting(version, clientId())
    const [subscriber, publisher] = [await login(who), await login()]
    await subscribe(subscriber, topic, 2)
    subscriber.cut()
    const sent = Array.from({ length: 10 }, (_, index) => ({
      topic,
      qos: index % 2 === 0 ? (1 as const) : (2 as const),
      payload: `${index}`,
    }))
    await publish(publisher, ...sent)
    const { wire } = await resume(scene, who)
    assert.deepEqual(
      payloads(await receiveAll(wire, publisher, topic)),
      sent.map(({ payload }) => payload),
    )
  },
)

statement(
  {
    4: ['MQTT-3.1.2-6', 'MQTT-3.1.4-3', 'MQTT-3.2.2-1', 'MQTT-3.2.2-3'],
    5: ['MQTT-3.1.2-4', 'MQTT-3.1.4-4', 'MQTT-3.2.2-2', 'MQTT-3.2.2-3'],
  },
  'throws the old session away at a clean start, and keeps nothing of a session that ends with its connection',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const who = lasting(version, clientId())
    const publisher = await login()
    const old = await login(who)
    await subscribe(old, topic, 1)
    await leave(old)
    await publish(publisher, { topic, qos: 1, payload: 'for the old one' })

    const clean = await resume(scene, { clientId: clientId(), clean: true })
    assert.equal(clean.isPresent, false)
    await subscribe(clean.wire, `${topic}/clean`, 1)
    assert.deepEqual(payloads(await receiveAll(clean.wire, publisher, `${topic}/clean`)), [])
    await publish(publisher, { topic, qos: 1, payload: 'not subscribed' })
    await leave(clean.wire)

    const third = await resume(scene, who)
    assert.equal(third.isPresent, false)
    await subscribe(third.wire, `${topic}/third`, 1)
    await publish(publisher, { topic, qos: 1 }, { topic: `${topic}/clean`, qos: 1 })
    assert.deepEqual(payloads(await receiveAll(third.wire, publisher, `${topic}/third`)), [])
  },
)

statement(
  { 4: 'MQTT-3.1.2.7' },
  'keeps retained messages when the session of their publisher ends',
  async ({ topic, clientId, login }) => {
    const publisher = await login({ clientId: clientId() })
    await publish(publisher, { topic, qos: 1, retain: true, payload: 'kept' })
    await leave(publisher)
    await leave(await login({ clientId: clientId() }))
    const subscriber = await login()
    await subscribe(subscriber, topic)
    assert.equal((await receive(subscriber)).packet.payload.toString(), 'kept')
    await publish(await login(), { topic, retain: true, qos: 1 })
  },
)

statement(
  { 4: 'MQTT-3.1.3-2', 5: 'MQTT-3.1.3-2' },
  'knows a session by its client identifier, of which every character counts',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const [one, other, upper] = [clientId('a'), clientId('ab'), clientId('a').toUpperCase()]
    const publisher = await login()
    for (const id of [one, other, upper]) {
      const { wire, isPresent } = await resume(scene, lasting(version, id))
      assert.equal(isPresent, false)
      await subscribe(wire, `${topic}/${id}`, 1)
      await leave(wire)
    }
    for (const id of [one, other, upper]) await publish(publisher, { topic: `${topic}/${id}`, qos: 1, payload: id })
    for (const id of [upper, one, other]) {
      const { wire, isPresent } = await resume(scene, lasting(version, id))
      assert.equal(isPresent, true)
      assert.deepEqual(payloads(await receiveAll(wire, publisher, `${topic}/${id}`)), [id])
    }
  },
)

statement(
  { 4: ['MQTT-4.1.0-1', 'MQTT-4.1.0-2'], 5: 'MQTT-4.1.0-1' },
  'keeps all of the session as long as its connection is up, also of one that ends with it',
  async ({ topic, login }) => {
    const [subscriber, publisher] = [await login(), await login()]
    await subscribe(subscriber, topic, 2)
    await publish(publisher, { topic, qos: 2, payload: 'a' })
    const { messageId = 0 } = (await subscriber.expect('publish')).packet
    // Sessions of others come and go meanwhile.
    for (let count = 0; count < 5; count++) await leave(await login())
    subscriber.send({ cmd: 'pubrec', messageId })
    assert.equal((await subscriber.expect('pubrel')).packet.messageId, messageId)
    subscriber.send({ cmd: 'pubcomp', messageId })
    await publish(publisher, { topic, qos: 1, payload: 'b' })
    assert.equal((await receive(subscriber)).packet.payload.toString(), 'b')
  },
)

statement({ 5: 'MQTT-4.1.0-2' }, 'forgets a session when its time is over, and not before', async (scene) => {
  const { topic, version, clientId, login } = scene
  const watcher = await login()
  await subscribe(watcher, `${topic}/will`)
  // Its will is to wait longer than the session lasts, so that the will tells the end of the session (MQTT 5, 3.1.3.2.2).
  const will = { topic: `${topic}/will`, payload: 'over', properties: { willDelayInterval: 600 } }
  const short = lasting(version, clientId('short'), { properties: { sessionExpiryInterval: 1 }, will })
  const long = lasting(version, clientId('long'))
  for (const who of [short, long]) {
    const { wire } = await resume(scene, who)
    await subscribe(wire, topic, 1)
    wire.cut()
  }
  await receive(watcher)
  assert.equal((await resume(scene, { ...short, clean: false })).isPresent, false)
  assert.equal((await resume(scene, { ...long, clean: false })).isPresent, true)
})

statement(
  { 5: 'MQTT-4.1.0-2' },
  'forgets a session without an expiry interval at once, and one whose interval DISCONNECT sets to 0',
  async (scene) => {
    const { clientId, version } = scene
    const none = { clientId: clientId('none'), clean: false }
    await leave((await resume(scene, none)).wire)
    assert.equal((await resume(scene, none)).isPresent, false)
    const who = lasting(version, clientId('some'), { properties: { sessionExpiryInterval: 600 } })
    const ending = (await resume(scene, who)).wire
    ending.send(packet('e0', '00', properties(5, '1100000000')))
    await ending.closed()
    assert.equal((await resume(scene, who)).isPresent, false)
  },
)
