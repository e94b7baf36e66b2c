import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { closedBecause, valuesOf } from '../exchanges.ts'
import { statement } from '../suite.ts'

const late = { 4: 'MQTT-3.1.2-24', 5: ['MQTT-3.1.2-22', 'MQTT-3.2.2-22'] } as const

describe('keep alive', { concurrency: 8 }, () => {
  statement(late, 'closes after one and a half times the keep alive, and not before', async ({ login }) => {
    const forever = await login()
    const start = performance.now()
    const wire = await login({ keepalive: 1 })
    await closedBecause(wire, 0x8d)
    assert.ok(performance.now() - start >= 1_500)
    // Keep alive 0 switches it off.
    await forever.quiet()
  })

  statement(late, 'counts from the last packet, whatever it is', async ({ login, topic }) => {
    const wire = await login({ keepalive: 4 })
    const message = { cmd: 'publish', qos: 0, dup: false, retain: false, topic, payload: '' } as const
    // Each of these ends when another one has been silent for 1.5 seconds: all together that is longer than 6.
    for (const packet of ['c000', message, message, message] as const) {
      await (await login({ keepalive: 1 })).closed()
      wire.send(packet)
    }
    await (await login({ keepalive: 1 })).closed()
    await wire.expect('pingresp')
    await wire.quiet()
  })

  statement({ 5: 'MQTT-3.2.2-22' }, 'says nothing of a keep alive that it takes over', async ({ open, version }) => {
    const wire = await open()
    const protocol = { protocolId: 'MQTT', protocolVersion: version } as const
    wire.send({ cmd: 'connect', clientId: '', clean: true, keepalive: 60, ...protocol })
    assert.deepEqual(valuesOf(await wire.expect('connack'), 'Server Keep Alive'), [])
  })
})
