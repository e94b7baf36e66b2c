import assert from 'node:assert/strict'
import { lasting, payloads, publish, receiveAll, subscribe, unsubscribe } from '../exchanges.ts'
import { statement } from '../suite.ts'
import { idsOf, take } from '../unacknowledged.ts'

const window = { 5: ['MQTT-3.3.4-9', 'MQTT-4.9.0-1', 'MQTT-4.9.0-2'] }

for (const receiveMaximum of [1, 2, 5]) {
  statement(
    window,
    `has at most ${receiveMaximum} messages unacknowledged, and gets on with each one that is`,
    async (scene) => {
      const { topic, version, clientId, login } = scene
      const publisher = await login()
      for (const who of [
        { properties: { receiveMaximum } },
        lasting(version, clientId(), { properties: { receiveMaximum } }),
      ]) {
        const wire = await login(who)
        await subscribe(wire, topic, 2)
        const count = receiveMaximum * 3
        await publish(
          publisher,
          ...Array.from({ length: count }, (_, index) => ({ topic, qos: index % 2 === 0 ? 1 : 2 }) as const),
        )
        const held = idsOf(await take(wire, receiveMaximum))
        await wire.quiet()
        const all = [...held]
        for (let index = 0; index < count; index++) {
          const messageId = all[index] ?? 0
          if (index % 2 === 0) wire.send({ cmd: 'puback', messageId })
          else {
            wire.send({ cmd: 'pubrec', messageId })
            assert.equal((await wire.expect('pubrel')).packet.messageId, messageId)
            // The quota comes back with PUBCOMP only.
            await wire.quiet()
            wire.send({ cmd: 'pubcomp', messageId })
          }
          if (all.length < count) all.push(...idsOf(await take(wire, 1)))
          await wire.quiet()
        }
      }
    },
  )
}

statement(window, 'takes PUBREC with an error as the end of a message', async ({ topic, login }) => {
  const [publisher, wire] = [await login(), await login({ properties: { receiveMaximum: 1 } })]
  await subscribe(wire, topic, 2)
  await publish(publisher, { topic, qos: 2 }, { topic, qos: 2 })
  for (const _ of [1, 2]) {
    const [messageId = 0] = idsOf(await take(wire, 1))
    wire.send({ cmd: 'pubrec', messageId, reasonCode: 0x83 })
  }
  await wire.quiet()
})

statement(window, 'begins anew with each connection', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  const who = (receiveMaximum: number) => lasting(version, clientId(), { properties: { receiveMaximum } })
  const first = await login(who(4))
  await subscribe(first, topic, 2)
  await publish(
    publisher,
    ...Array.from({ length: 6 }, (_, index) => ({ topic, qos: 2 as const, payload: `${index}` })),
  )
  const ids = idsOf(await take(first, 4))
  first.send({ cmd: 'pubrec', messageId: ids[0] ?? 0 })
  await first.expect('pubrel')
  first.cut()
  const second = await login(who(2))
  // PUBREL comes again too; whether it counts is left open.
  const came: string[] = []
  while (came.length < 2) came.push((await second.next()).packet.cmd)
  second.send({ cmd: 'pingreq' })
  for (let { cmd } = (await second.next()).packet; cmd !== 'pingresp'; { cmd } = (await second.next()).packet)
    came.push(cmd)
  assert.deepEqual(
    came.filter((cmd) => cmd !== 'publish'),
    ['pubrel'],
  )
  assert.ok(came.length <= 3, came.join())
})

const others = { 5: ['MQTT-3.3.4-10', 'MQTT-4.9.0-3'] }
statement(others, 'holds back nothing else while the quota is used up', async ({ topic, login }) => {
  const [publisher, wire] = [await login(), await login({ properties: { receiveMaximum: 1 } })]
  await subscribe(wire, topic, 2)
  await subscribe(wire, `${topic}/0`, 0)
  await publish(publisher, { topic, qos: 1, payload: 'held' }, { topic, qos: 1, payload: 'waits' })
  const [held = 0] = idsOf(await take(wire, 1))
  await wire.quiet()
  await subscribe(wire, `${topic}/a`, 1)
  await unsubscribe(wire, `${topic}/a`)
  await publish(wire, { topic: `${topic}/b` }, { topic: `${topic}/b`, qos: 1 }, { topic: `${topic}/b`, qos: 2 })
  await publish(publisher, { topic: `${topic}/0`, qos: 2, payload: 'QoS 0' })
  assert.equal(String((await wire.expect('publish')).packet.payload), 'QoS 0')
  await wire.quiet()
  wire.send({ cmd: 'puback', messageId: held })
  assert.equal(String((await wire.expect('publish')).packet.payload), 'waits')
})

statement({ 5: 'MQTT-4.9.0-2' }, 'gives everything in the end, however small the window', async ({ topic, login }) => {
  const [publisher, wire] = [await login(), await login({ properties: { receiveMaximum: 1 } })]
  await subscribe(wire, topic, 2)
  const numbers = Array.from({ length: 60 }, (_, index) => `${index}`)
  await publish(
    publisher,
    ...numbers.map((payload, index) => ({ topic, qos: index % 3 === 0 ? 2 : 1, payload }) as const),
  )
  assert.deepEqual(payloads(await receiveAll(wire, publisher, topic)), numbers)
})
