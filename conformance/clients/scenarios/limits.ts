import assert from 'node:assert/strict'
import { limits } from '../../../broker/limits.ts'
import type { Scenario } from '../scenario.ts'

const payloads = (messages: readonly { payload: string }[]) => messages.map(({ payload }) => payload)

export const limitScenarios: readonly Scenario[] = [
  {
    name: 'topic aliases of the client',
    versions: [5],
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const publisher = await stage.connect()
      const { topicAliasMaximum = 0 } = publisher.connected.properties
      stage.check('properties of CONNACK', topicAliasMaximum > 0, true, 'the broker takes topic aliases')
      for (const end of ['a', 'b']) {
        await publisher.publish(stage.topic(end), '1', { properties: { topicAlias: 1 }, more: ['2', '3'] })
        const seen = (await listener.take(3)).map(({ topic, payload }) => `${topic} ${payload}`)
        assert.deepEqual(
          seen,
          ['1', '2', '3'].map((payload) => `${stage.topic(end)} ${payload}`),
        )
      }
    },
  },
  {
    name: 'topic aliases of the broker',
    versions: [5],
    needs: ['topic aliases of the broker'],
    async run(stage) {
      const properties = { topicAliasMaximum: 2 }
      const listener = await stage.connect({ filters: [stage.topic('#')], properties })
      const publisher = await stage.connect()
      // Again at once, with an alias instead of the name; and three topics, so that an alias changes its topic.
      const ends = ['a', 'a', 'b', 'b', 'c', 'c', 'a', 'a']
      for (const end of ends) await publisher.publish(stage.topic(end), end)
      const seen = await listener.take(ends.length)
      assert.deepEqual(
        seen.map(({ topic }) => topic),
        ends.map((end) => stage.topic(end)),
      )
      const aliases = seen.flatMap(({ properties: { topicAlias } }) => topicAlias ?? [])
      const isUsed = aliases.length > 0 && aliases.every((alias) => alias === 1 || alias === 2)
      stage.check('topic alias of a message', isUsed, true, `aliases ${aliases.join()} of at most 2`)
    },
  },
  {
    name: 'a client gets no packet above its maximum packet size',
    versions: [5],
    async run(stage) {
      const filters = [{ filter: stage.topic('#'), qos: 1 }] as const
      const listener = await stage.connect({ filters, properties: { maximumPacketSize: 200 } })
      const publisher = await stage.connect()
      for (const length of [20, 1_000, 30]) await publisher.publish(stage.topic('a'), 'x'.repeat(length))
      await publisher.publish(stage.topic('a'), 'end')
      assert.deepEqual(
        (await listener.until('end')).map(({ payload }) => payload.length),
        [20, 30],
      )
    },
  },
  {
    name: 'the broker says its maximum packet size and keeps to it',
    async run(stage) {
      const tooLarge = 'x'.repeat(limits.packetSize + 40_000)
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const publisher = await stage.connect()
      if (stage.version === 5) {
        stage.check('properties of CONNACK', publisher.connected.properties.maximumPacketSize, limits.packetSize)
      }
      // The library refuses, or the broker ends the connection, after which no acknowledgement comes.
      const refused = publisher.publish(stage.topic('a'), tooLarge).then(
        () => assert.fail('it was taken'),
        () => undefined,
      )
      const closed = publisher.closed().then((reasonCode) => {
        if (stage.version === 5) stage.check('reason of a DISCONNECT', reasonCode, 0x95)
      })
      await Promise.race([refused, closed])
      await (await stage.connect()).publish(stage.topic('a'), 'end')
      assert.deepEqual(await listener.until('end'), [])
    },
  },
  {
    name: 'no more unacknowledged messages come than the client takes',
    versions: [5],
    async run(stage) {
      const properties = { receiveMaximum: 3 }
      const listener = await stage.connect({ filters: [{ filter: stage.topic('#'), qos: 1 }], properties })
      const publisher = await stage.connect()
      listener.cable.hold('to the broker')
      const sent = Array.from({ length: 10 }, (_, index) => `${index}`)
      const [first = '', ...more] = sent
      await publisher.publish(stage.topic('a'), first, { more })
      // QoS 0 is not counted, so it passes what waits.
      await publisher.publish(stage.topic('a'), 'passes', { qos: 0 })
      const early = payloads(await listener.until('passes'))
      assert.deepEqual(early, sent.slice(0, 3))
      listener.cable.release('to the broker')
      assert.deepEqual(payloads(await listener.take(7)), sent.slice(3))
    },
  },
  {
    name: 'a client keeps to the number of unacknowledged messages that the broker takes',
    versions: [5],
    needs: ['receive maximum of the broker'],
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const publisher = await stage.connect()
      stage.check('properties of CONNACK', publisher.connected.properties.receiveMaximum, limits.halfOpenQoS2)
      const sent = Array.from({ length: limits.halfOpenQoS2 + 100 }, (_, index) => `${index}`)
      const [first = '', ...more] = sent
      const published = publisher.publish(stage.topic('a'), first, { qos: 2, more })
      assert.deepEqual(payloads(await listener.take(sent.length)), sent)
      await published
    },
  },
]
