import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'

export const wills: readonly Scenario[] = [
  {
    name: 'a will is published when the network fails, and kept if it says so',
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const will = { topic: stage.topic('will'), payload: 'gone', qos: 1, retain: true } as const
      const mortal = await stage.connect({ will })
      await mortal.cut()
      const { topic, payload, qos, retain } = await listener.next()
      assert.deepEqual({ topic, payload, qos, retain }, { ...will, retain: false })
      const late = await stage.connect({ filters: [stage.topic('#')] })
      assert.equal((await late.next()).retain, true)
    },
  },
  {
    name: 'DISCONNECT cancels the will',
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const polite = await stage.connect({ will: { topic: stage.topic('will'), payload: 'gone' } })
      await polite.disconnect()
      const mortal = await stage.connect({ will: { topic: stage.topic('will'), payload: 'end' } })
      await mortal.cut()
      assert.deepEqual(await listener.until('end'), [])
    },
  },
  {
    name: 'DISCONNECT with reason 0x04 asks for the will',
    versions: [5],
    needs: ['DISCONNECT with a reason'],
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const mortal = await stage.connect({ filters: [], will: { topic: stage.topic('will'), payload: 'gone' } })
      await mortal.disconnect(0x04)
      assert.equal((await listener.next()).payload, 'gone')
    },
  },
  {
    name: 'a will carries its properties, but not its delay',
    versions: [5],
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const properties = {
        contentType: 'text/plain',
        payloadFormatIndicator: 1,
        responseTopic: stage.topic('response'),
        correlationData: 'number 7',
        userProperties: [['colour', 'red']] as const,
      }
      const will = { topic: stage.topic('will'), payload: 'gone', properties: { willDelayInterval: 1, ...properties } }
      const mortal = await stage.connectStored(stage.clientId(), { will })
      await mortal.cut()
      const seen = await listener.next()
      assert.equal(seen.payload, 'gone')
      assert.deepEqual(seen.properties.userProperties, properties.userProperties)
      stage.check('properties of a will', seen.properties, properties)
    },
  },
  {
    name: 'a will waits for its delay, and a client that comes back in time has none',
    versions: [5],
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const mortal = (end: string, willDelayInterval: number, payload: string) =>
        stage.connectStored(stage.clientId(end), {
          filters: [],
          will: { topic: stage.topic('will'), payload, properties: { willDelayInterval } },
        })
      const returning = await mortal('returning', 2, 'not to be seen')
      const late = await mortal('late', 3, 'late')
      const early = await mortal('early', 1, 'early')
      for (const party of [returning, late, early]) await party.cut()
      await mortal('returning', 300, 'not to be seen either')
      assert.deepEqual(
        (await listener.take(2)).map(({ payload }) => payload),
        ['early', 'late'],
      )
    },
  },
]
