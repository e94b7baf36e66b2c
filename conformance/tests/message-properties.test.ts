import assert from 'node:assert/strict'
import {
  closedBecause,
  lasting,
  packet,
  properties,
  publish,
  receiveAll,
  receiveKept,
  subscribe,
  text,
} from '../exchanges.ts'
import type { Frame } from '../frames.ts'
import { type Scene, statement } from '../suite.ts'

/** Publishes with these properties, and gives the message as it comes: with QoS 0, live, over a queue, and as a retained one. */
async function forwarded(
  { topic, version, clientId, login }: Scene,
  ...all: readonly string[]
): Promise<readonly Frame[]> {
  const who = lasting(version, clientId())
  const [publisher, plain, quick, stored] = [await login(), await login(), await login(), await login(who)]
  await subscribe(plain, topic, 0)
  await subscribe(quick, topic, 2)
  await subscribe(stored, topic, 1)
  stored.cut()
  publisher.send(packet('33', text(topic), '0001', properties(version, ...all), '61'))
  assert.equal((await publisher.expect('puback')).packet.reasonCode ?? 0, 0)
  const late = await login()
  await subscribe(late, topic, 1)
  const wires = [plain, quick, await login(who), late]
  return Promise.all(wires.map((wire) => wire.expect('publish')))
}

/** That these properties, given as they stand in a packet, come out the same, and nothing beside them. */
async function isUnchanged(scene: Scene, ...all: readonly string[]): Promise<void> {
  for (const frame of await forwarded(scene, ...all)) {
    const { bytes } = frame
    const end = properties(5, ...all)
    assert.equal(bytes.toString('hex').slice(-end.length - 2), `${end}61`)
  }
}

for (const [value, meaning] of [
  ['0100', 'bytes'],
  ['0101', 'text'],
  ['', 'nothing said'],
] as const) {
  statement({ 5: 'MQTT-3.3.2-4' }, `forwards the Payload Format Indicator: ${meaning}`, (scene) =>
    isUnchanged(scene, value),
  )
}

statement({ 5: 'MQTT-3.3.2-15' }, 'forwards the Response Topic', async (scene) => {
  await isUnchanged(scene, '08', text('a/é/\u{1f40c} $'))
})

for (const bytes of ['', '00', '00ff80c3', 'ff'.repeat(100)]) {
  statement({ 5: 'MQTT-3.3.2-16' }, `forwards Correlation Data of ${bytes.length / 2} bytes`, async (scene) => {
    await isUnchanged(scene, '09', text(Buffer.from(bytes, 'hex')))
  })
}

const pair = (name: string, value: string) => `26${text(name)}${text(value)}`

statement({ 5: 'MQTT-3.3.2-17' }, 'forwards all User Properties: empty, doubled, and of any name', async (scene) => {
  await isUnchanged(scene, pair('a', ''), pair('a', 'b'), pair('a', 'b'), pair('', ''), pair('\ufeff', 'é'))
})

statement({ 5: 'MQTT-3.3.2-17' }, 'forwards User Properties named as what every object has', async (scene) => {
  await isUnchanged(
    scene,
    pair('__proto__', 'a'),
    pair('constructor', 'b'),
    pair('__proto__', 'c'),
    pair('toString', ''),
  )
})

statement({ 5: 'MQTT-3.3.2-18' }, 'keeps the order of User Properties, whatever their names', async (scene) => {
  await isUnchanged(
    scene,
    pair('b', '1'),
    pair('a', '2'),
    pair('b', '3'),
    pair('2', '4'),
    pair('1', '5'),
    pair('a', '6'),
  )
})

for (const type of ['', 'text/plain; charset=é']) {
  statement({ 5: 'MQTT-3.3.2-20' }, `forwards the Content Type "${type}"`, (scene) =>
    isUnchanged(scene, '03', text(type)),
  )
}

/** That a PUBLISH with these properties ends the connection with one of these reasons, and reaches nobody. */
async function isRefused({ topic, version, login }: Scene, all: readonly string[], ...codes: readonly number[]) {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic, 2)
  for (const [first, identifier] of [
    ['30', ''],
    ['33', '0001'],
    ['34', '0001'],
  ] as const) {
    const wrong = await login()
    wrong.send(packet(first, text(topic), identifier, properties(version, ...all), '61'))
    await closedBecause(wrong, ...codes)
  }
  assert.deepEqual(await receiveAll(subscriber, publisher, topic), [])
}

for (const bad of ['ff', 'eda080', 'e282', '00']) {
  const value = text(Buffer.from(bad, 'hex'))
  statement({ 5: 'MQTT-3.3.2-13' }, `closes on a Response Topic of the bytes ${bad}`, (scene) =>
    isRefused(scene, ['08', value], 0x81),
  )
  statement({ 5: 'MQTT-3.3.2-19' }, `closes on a Content Type of the bytes ${bad}`, (scene) =>
    isRefused(scene, ['03', value], 0x81),
  )
}

for (const name of ['#', '+', 'a/#', 'a/+/b', 'a+']) {
  statement({ 5: 'MQTT-3.3.2-14' }, `closes on a Response Topic with a wildcard: ${name}`, async (scene) => {
    await isRefused(scene, ['08', text(name)], 0x81, 0x82, 0x90)
  })
}

statement({ 5: 'MQTT-3.3.4-6' }, 'closes on a Subscription Identifier from a client', (scene) =>
  isRefused(scene, ['0b05'], 0x82),
)

statement(
  { 5: 'MQTT-3.3.2-5' },
  'drops an expired message, queued or retained, and keeps what has not expired',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const who = lasting(version, clientId())
    const [publisher, stored] = [await login(), await login(who)]
    await subscribe(stored, topic, 2)
    stored.cut()
    for (const [qos, seconds] of [
      [1, 1],
      [2, 1],
      [1, 60],
      [2, 60],
    ] as const) {
      const retain = qos === 1
      const expiry = { messageExpiryInterval: seconds }
      await publish(publisher, { topic, qos, retain, payload: `${qos} ${seconds}`, properties: expiry })
      if (retain) await publish(publisher, { topic: `${topic}/${seconds}`, retain, payload: 'a', properties: expiry })
    }
    await new Promise((resolve) => setTimeout(resolve, 1_300))
    const back = await login(who)
    assert.deepEqual(
      (await receiveAll(back, publisher, topic)).map((frame) => String(frame.packet.payload)),
      ['1 60', '2 60'],
    )
    const late = await login()
    await subscribe(late, `${topic}/+`, 0)
    const found = await receiveKept(late, publisher, `${topic}end`)
    assert.deepEqual(
      found.map((frame) => frame.packet.topic),
      [`${topic}/60`],
    )
  },
)

statement(
  { 5: 'MQTT-3.3.2-6' },
  'forwards the Message Expiry Interval less the time that the message waited',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const who = lasting(version, clientId())
    const [publisher, stored, quick] = [await login(), await login(who), await login()]
    await subscribe(stored, topic, 1)
    await subscribe(quick, topic, 1)
    stored.cut()
    const before = Date.now()
    await publish(publisher, { topic, qos: 1, retain: true, payload: 'a', properties: { messageExpiryInterval: 1000 } })
    const published = Date.now()
    const interval = async (wire: typeof quick) =>
      (await wire.expect('publish')).packet.properties?.messageExpiryInterval ?? 0
    const isWithin = (left: number, earliest: number, latest: number) => {
      // Whole seconds, rounded either way.
      assert.ok(left <= 1000 - Math.floor((latest - published) / 1000), `${left} are left`)
      assert.ok(left >= 1000 - Math.ceil((Date.now() - earliest) / 1000), `${left} are left`)
    }
    isWithin(await interval(quick), before, published)
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    const asked = Date.now()
    const late = await login()
    await subscribe(late, topic, 1)
    isWithin(await interval(late), before, asked)
    isWithin(await interval(await login(who)), before, asked)
  },
)
