import assert from 'node:assert/strict'
import { connectBytes } from '../connect-bytes.ts'
import {
  closedBecause,
  each,
  packet,
  properties,
  publish,
  receiveAll,
  refusedBecause,
  subscribe,
  text,
  valuesOf,
} from '../exchanges.ts'
import { statement } from '../suite.ts'

statement(
  { 5: ['MQTT-4.12.0-1', 'MQTT-3.2.2-7'] },
  'refuses authentication methods, closes, and does nothing of what came behind',
  async ({ open, login, topic }) => {
    const subscriber = await login()
    await subscribe(subscriber, topic)
    for (const method of ['SCRAM-SHA-1', 'GS2-KRB5', '']) {
      const wire = await open()
      const data = `16${text('data')}`
      wire.send(connectBytes(5, { properties: properties(5, '15', text(method), data) }))
      wire.send(packet('f0', '18', properties(5, '15', text(method))), packet('30', text(topic), '00', '78'))
      await refusedBecause(wire, 0x8c, 0x87)
    }
    assert.deepEqual(await receiveAll(subscriber, await login(), topic), [])
  },
)

statement(
  { 5: 'MQTT-4.12.0-6' },
  'sends no AUTH and no authentication method to who has none',
  async ({ open, topic }) => {
    const wire = await open()
    wire.send(connectBytes(5))
    const answer = await wire.expect('connack')
    assert.deepEqual(valuesOf(answer, 'Authentication Method'), [])
    assert.deepEqual(valuesOf(answer, 'Authentication Data'), [])
    await publish(wire, { topic, qos: 2 })
    await wire.quiet()
  },
)

const auth = {
  'with no more than its header': 'f000',
  'to go on': packet('f0', '18', properties(5, '15', text('method'))),
  'to begin again': packet('f0', '19', properties(5, '15', text('method'))),
  'that it succeeded': packet('f0', '00', properties(5)),
}

statement(
  { 5: ['MQTT-4.12.1-2', 'MQTT-4.13.1-1'] },
  'closes on AUTH from who gave no method, with a reason',
  async ({ login }) => {
    await each(auth, async (bytes) => {
      const wire = await login()
      wire.send(bytes, 'c000')
      await closedBecause(wire, 0x82)
    })
  },
)

statement({ 5: 'MQTT-3.15.1-1' }, 'closes on AUTH with other flags than 0', async ({ login }) => {
  for (let flags = 1; flags < 16; flags++) {
    const wire = await login()
    wire.send(`f${flags.toString(16)}00`)
    await closedBecause(wire, 0x81)
  }
})

statement({ 5: 'MQTT-3.15.2-1' }, 'closes on AUTH with a reason that there is not', async ({ login }) => {
  for (const reason of ['01', '17', '1a', '80', 'ff']) {
    const wire = await login()
    wire.send(packet('f0', reason, properties(5, '15', text('method'))))
    await closedBecause(wire, 0x81, 0x82)
  }
})
