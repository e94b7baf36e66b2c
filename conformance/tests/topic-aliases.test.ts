import assert from 'node:assert/strict'
import { closedBecause, lasting, packet, publish, subscribe, text, toPublish, valuesOf } from '../exchanges.ts'
import { statement } from '../suite.ts'
import { take } from '../unacknowledged.ts'
import type { Wire } from '../wire.ts'

/** What the server announces; it is to take aliases. */
async function loginWithAliases(
  { open, version }: Parameters<Parameters<typeof statement>[2]>[0],
  wire: Wire | undefined = undefined,
) {
  const used = wire ?? (await open())
  used.send({ cmd: 'connect', clientId: '', clean: true, protocolId: 'MQTT', protocolVersion: version })
  const { packet: answer } = await used.expect('connack')
  const maximum = answer.properties?.topicAliasMaximum ?? 0
  assert.ok(maximum > 0, 'the broker takes no topic aliases')
  return { wire: used, maximum }
}

const withAlias = (alias: number, topic: string, payload: string) =>
  toPublish({ topic, payload, properties: { topicAlias: alias } })

statement({ 5: 'MQTT-3.3.2-12' }, 'takes every alias up to its maximum, and gives them new meanings', async (scene) => {
  const { topic, login } = scene
  const subscriber = await login()
  await subscribe(subscriber, `${topic}/#`, 0)
  const { wire, maximum } = await loginWithAliases(scene)
  for (let alias = 1; alias <= maximum; alias++) wire.send(withAlias(alias, `${topic}/${alias}`, 'name'))
  for (let alias = 1; alias <= maximum; alias++) wire.send(withAlias(alias, '', 'alias'))
  wire.send(withAlias(1, `${topic}/new`, 'name'), withAlias(1, '', 'alias'))
  const names = Array.from({ length: maximum }, (_, index) => `${topic}/${index + 1}`)
  for (const name of [...names, ...names, `${topic}/new`, `${topic}/new`]) {
    const frame = await subscriber.expect('publish')
    assert.equal(frame.packet.topic, name)
    assert.deepEqual(valuesOf(frame, 'Topic Alias'), [])
  }
})

for (const [name, alias] of [
  ['0', () => 0],
  ['above its maximum', (maximum: number) => maximum + 1],
] as const) {
  statement({ 5: 'MQTT-3.3.2-8' }, `closes on a topic alias that is ${name}`, async (scene) => {
    const { wire, maximum } = await loginWithAliases(scene)
    wire.send(withAlias(alias(maximum), scene.topic, 'a'))
    await closedBecause(wire, 0x94, 0x82)
  })
}

statement({ 5: 'MQTT-3.3.2-7' }, "knows no alias of an earlier connection, nor another client's", async (scene) => {
  const { topic } = scene
  const { wire } = await loginWithAliases(scene)
  wire.send(withAlias(1, topic, 'a'))
  await wire.quiet()
  const { wire: second } = await loginWithAliases(scene)
  second.send(withAlias(1, '', 'a'))
  await closedBecause(second, 0x82, 0x94)
})

const outgoing = { 5: ['MQTT-3.3.2-8', 'MQTT-3.3.2-11'] }
statement(outgoing, 'uses aliases from 1 to the maximum of the client, each with its topic first', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const topicAliasMaximum of [0, 1, 3]) {
    const who = lasting(version, clientId(`${topicAliasMaximum}`), { properties: { topicAliasMaximum } })
    for (const connection of [1, 2]) {
      const wire = await login(who)
      await subscribe(wire, `${topic}/#`, 1)
      // Each connection begins without any [MQTT-3.3.2-7].
      const known = new Map<number, string>()
      for (let index = 0; index < 20; index++) {
        const name = `${topic}/${(index * index) % 7}`
        await publish(publisher, { topic: name, qos: index % 2 === 0 ? 0 : 1, payload: 'a' })
        const frame = await wire.expect('publish')
        if (frame.packet.qos > 0) wire.send({ cmd: 'puback', messageId: frame.packet.messageId ?? 0 })
        const [alias] = valuesOf(frame, 'Topic Alias').map(Number)
        if (alias !== undefined) {
          assert.ok(alias >= 1 && alias <= topicAliasMaximum, `alias ${alias}`)
          if (frame.packet.topic !== '') known.set(alias, frame.packet.topic)
        }
        assert.equal(frame.packet.topic || known.get(alias ?? 0), name, `connection ${connection}`)
      }
      await wire.quiet()
      wire.cut()
    }
  }
})

statement({ 5: 'MQTT-3.3.2-7' }, 'sends what is pending again with its topic, not with an old alias', async (scene) => {
  const { topic, version, clientId, login } = scene
  const who = lasting(version, clientId(), { properties: { topicAliasMaximum: 5 } })
  const [publisher, first] = [await login(), await login(who)]
  await subscribe(first, topic, 1)
  await publish(publisher, { topic, qos: 1, payload: 'a' }, { topic, qos: 1, payload: 'b' })
  await take(first, 2)
  first.cut()
  const second = await login(lasting(version, clientId()))
  for (const _ of [1, 2]) {
    const { packet: again, properties } = await second.expect('publish')
    assert.equal(again.topic, topic)
    assert.deepEqual(properties, [])
  }
})

statement(
  { 5: 'MQTT-3.3.4-6' },
  'closes on a Subscription Identifier in an empty PUBLISH, too',
  async ({ topic, login }) => {
    const wire = await login()
    wire.send(packet('30', text(topic), '02', '0b01'))
    await closedBecause(wire, 0x82)
  },
)
