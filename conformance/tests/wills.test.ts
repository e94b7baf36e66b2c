import assert from 'node:assert/strict'
import type { IConnectPacket } from 'mqtt-packet'
import {
  lasting,
  packet,
  payloads,
  properties,
  publish,
  receive,
  receiveAll,
  subscribe,
  text,
  valuesOf,
} from '../exchanges.ts'
import { type Scene, statement } from '../suite.ts'
import type { Wire } from '../wire.ts'

type Will = NonNullable<IConnectPacket['will']>

/** Who sees the wills of this test, and tells everything that came so far. */
async function watch({ login, topic }: Scene) {
  const [watcher, publisher] = [await login(), await login()]
  await subscribe(watcher, `${topic}/#`, 2)
  return { watcher, seen: () => receiveAll(watcher, publisher, `${topic}/marker`) }
}

async function withWill(
  { login, topic }: Scene,
  will: Partial<Will> = {},
  more: Partial<IConnectPacket> = {},
): Promise<Wire> {
  return login({ ...more, will: { topic: `${topic}/will`, payload: 'the will', qos: 1, retain: false, ...will } })
}

const published = { 4: 'MQTT-3.1.2-8', 5: ['MQTT-3.1.2-7', 'MQTT-3.1.2-8'] } as const

statement(published, 'publishes the will when a connection is cut, as it was given', async (scene) => {
  const { watcher } = await watch(scene)
  for (const qos of [0, 1, 2] as const) {
    const wire = await withWill(scene, { qos, payload: Buffer.from([0, 0xff, qos]) })
    wire.cut()
    const { packet: will } = await receive(watcher)
    assert.equal(will.topic, `${scene.topic}/will`)
    assert.deepEqual(will.payload, Buffer.from([0, 0xff, qos]))
    assert.equal(will.qos, qos)
    assert.equal(will.retain, false)
  }
})

statement(published, 'publishes an empty will, too', async (scene) => {
  const { watcher } = await watch(scene)
  ;(await withWill(scene, { payload: '' })).cut()
  assert.equal((await receive(watcher)).packet.payload.length, 0)
})

statement(published, 'publishes the will when it closes because of what the client sent', async (scene) => {
  const { watcher } = await watch(scene)
  const wire = await withWill(scene)
  wire.send(packet('36', text('t'), '0001', properties(scene.version)))
  await wire.closed()
  await receive(watcher)
})

statement(published, 'publishes the will when another connection takes the client identifier', async (scene) => {
  const { watcher } = await watch(scene)
  const clientId = scene.clientId()
  const older = await withWill(scene, {}, { clientId })
  const newer = await scene.login({ clientId })
  await older.closed()
  await receive(watcher)
  await newer.quiet()
})

statement(published, 'publishes the will when the client is silent too long', async (scene) => {
  const { watcher } = await watch(scene)
  await withWill(scene, {}, { keepalive: 1 })
  await receive(watcher)
})

statement(
  { 4: ['MQTT-3.1.2-8', 'MQTT-3.1.2-10', 'MQTT-3.14.4-3'], 5: ['MQTT-3.1.2-8', 'MQTT-3.1.2-10', 'MQTT-3.14.4-3'] },
  'drops the will at DISCONNECT',
  async (scene) => {
    const { seen } = await watch(scene)
    const clientId = scene.clientId()
    const forms = scene.version === 5 ? ['e000', 'e00100', 'e0020000'] : ['e000']
    for (const form of forms) {
      const wire = await withWill(scene, {}, lasting(scene.version, clientId))
      wire.send(form)
      await wire.closed()
      assert.deepEqual(payloads(await seen()), [])
      // Nor does it come back with the session.
      const again = await scene.login(lasting(scene.version, clientId))
      again.cut()
      await scene.login(lasting(scene.version, clientId))
      assert.deepEqual(payloads(await seen()), [])
    }
  },
)

statement({ 4: 'MQTT-3.1.2-10', 5: 'MQTT-3.1.2-10' }, 'publishes a will once, and never again', async (scene) => {
  const { watcher, seen } = await watch(scene)
  const who = lasting(scene.version, scene.clientId())
  ;(await withWill(scene, {}, who)).cut()
  await receive(watcher)
  ;(await scene.login(who)).cut()
  await scene.login(who)
  assert.deepEqual(payloads(await seen()), [])
})

statement({ 4: 'MQTT-3.1.2-12' }, 'publishes nothing without a will', async (scene) => {
  const { watcher, seen } = await watch(scene)
  const who = lasting(scene.version, scene.clientId())
  // The will belongs to its connection: the session is the same, the will is none.
  ;(await withWill(scene, {}, who)).cut()
  await receive(watcher)
  for (const end of ['cut', packet('36', text('t'), '0001', properties(scene.version))]) {
    const wire = await scene.login(who)
    if (end === 'cut') wire.cut()
    else {
      wire.send(end)
      await wire.closed()
    }
    await scene.login(who)
    assert.deepEqual(payloads(await seen()), [])
  }
})

statement(
  { 4: 'MQTT-3.1.2-16', 5: 'MQTT-3.1.2-14' },
  'does not retain a will that is not to be, and leaves alone what is retained',
  async (scene) => {
    const { watcher } = await watch(scene)
    const topic = `${scene.topic}/will`
    const publisher = await scene.login()
    await publish(publisher, { topic, retain: true, payload: 'retained', qos: 1 })
    await receive(watcher)
    ;(await withWill(scene)).cut()
    assert.equal((await receive(watcher)).packet.retain, false)
    const later = await scene.login()
    await subscribe(later, topic)
    assert.equal((await receive(later)).packet.payload.toString(), 'retained')
    await publish(publisher, { topic, retain: true, qos: 1 })
  },
)

statement({ 4: 'MQTT-3.1.2-17', 5: 'MQTT-3.1.2-15' }, 'retains a will that is to be', async (scene) => {
  const { watcher } = await watch(scene)
  const topic = `${scene.topic}/will`
  ;(await withWill(scene, { retain: true })).cut()
  assert.equal((await receive(watcher)).packet.retain, false)
  const later = await scene.login()
  await subscribe(later, topic)
  const { packet: retained } = await receive(later)
  assert.equal(retained.payload.toString(), 'the will')
  assert.equal(retained.retain, true)
  await publish(await scene.login(), { topic, retain: true, qos: 1 })
})

statement({ 5: 'MQTT-3.1.2-8' }, 'publishes a will when its delay is over, and not before', async (scene) => {
  const { watcher, seen } = await watch(scene)
  const wire = await withWill(scene, { properties: { willDelayInterval: 2 } }, lasting(5, scene.clientId()))
  const start = performance.now()
  wire.cut()
  assert.deepEqual(payloads(await seen()), [])
  const will = await receive(watcher)
  assert.ok(performance.now() - start >= 2_000)
  // The delay says nothing about the message.
  assert.deepEqual(will.properties, [])
})

statement(
  { 5: ['MQTT-3.1.3-9', 'MQTT-3.1.2-10'] },
  'drops the will when the session goes on within its delay',
  async (scene) => {
    const { watcher, seen } = await watch(scene)
    const who = lasting(5, scene.clientId())
    ;(await withWill(scene, { properties: { willDelayInterval: 1 } }, who)).cut()
    const back = await scene.login(who)
    // This one's delay begins later and is as long: when it comes, the other one would have come.
    ;(
      await withWill(
        scene,
        { payload: 'another', properties: { willDelayInterval: 2 } },
        lasting(5, scene.clientId('b')),
      )
    ).cut()
    assert.equal((await receive(watcher)).packet.payload.toString(), 'another')
    assert.deepEqual(payloads(await seen()), [])
    await back.quiet()
  },
)

statement({ 5: 'MQTT-3.1.3-10' }, 'publishes the properties of a will unchanged and in their order', async (scene) => {
  const { watcher } = await watch(scene)
  const pairs = [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
    ['1', 'a number'],
    ['', ''],
    ['b', '1'],
  ] as const
  const userProperties = pairs.map(([name, value]) => `26${text(name)}${text(value)}`).join('')
  const willProperties = properties(
    5,
    '0101',
    '03',
    text('text'),
    '08',
    text('answer'),
    '09',
    text('data'),
    userProperties,
  )
  const wire = await scene.open()
  const rest = willProperties + text(`${scene.topic}/will`) + text('x')
  wire.send(packet('10', text('MQTT'), '05', '06', '0000', '00', text(''), rest))
  await wire.expect('connack')
  wire.cut()
  const will = await receive(watcher)
  assert.deepEqual(valuesOf(will, 'User Property'), pairs)
  assert.deepEqual(valuesOf(will, 'Payload Format Indicator'), [1])
  assert.deepEqual(valuesOf(will, 'Content Type'), ['text'])
  assert.deepEqual(valuesOf(will, 'Response Topic'), ['answer'])
  assert.deepEqual(valuesOf(will, 'Correlation Data'), [Buffer.from('data')])
})

statement({ 5: 'MQTT-3.1.2-8' }, 'publishes the will at DISCONNECT with every other reason than 0', async (scene) => {
  const { watcher } = await watch(scene)
  for (const reason of ['04', '80', '81', '82', '83', '90', '93', '94', '95', '96', '97', '98', '99']) {
    const wire = await withWill(scene, { payload: reason })
    wire.send(packet('e0', reason))
    await wire.closed()
    assert.equal((await receive(watcher)).packet.payload.toString(), reason)
  }
})

statement({ 5: 'MQTT-3.1.2-8' }, 'publishes a will with a delay when the session ends before that', async (scene) => {
  const { watcher } = await watch(scene)
  ;(await withWill(scene, { properties: { willDelayInterval: 600 } })).cut()
  await receive(watcher)
  const ended = lasting(5, scene.clientId())
  ;(await withWill(scene, { payload: 'clean start', properties: { willDelayInterval: 600 } }, ended)).cut()
  // A clean start ends the session that there was.
  await scene.login({ clientId: scene.clientId() })
  assert.equal((await receive(watcher)).packet.payload.toString(), 'clean start')
})
