import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'

const payloads = (messages: readonly { payload: string }[]) => messages.map(({ payload }) => payload)

export const subscriptions: readonly Scenario[] = [
  {
    name: 'overlapping subscriptions get one copy, with the highest QoS',
    needs: ['a QoS for each filter'],
    async run(stage) {
      const filters = [
        { filter: stage.topic('a/#'), qos: 1 },
        { filter: stage.topic('a/+'), qos: 2 },
        { filter: stage.topic('a/b'), qos: 0 },
      ] as const
      const listener = await stage.connect({ filters })
      assert.deepEqual(listener.connected.reasonCodes, [1, 2, 0])
      const publisher = await stage.connect()
      await publisher.publish(stage.topic('a/b'), 'once', { qos: 2 })
      await publisher.publish(stage.topic('a/b'), 'end', { qos: 2 })
      const seen = (await listener.until('end')).map(({ payload, qos }) => ({ payload, qos }))
      assert.deepEqual(seen, [{ payload: 'once', qos: 2 }])
    },
  },
  {
    name: 'a message names the identifiers of all subscriptions that it matches',
    versions: [5],
    needs: ['several SUBSCRIBEs'],
    async run(stage) {
      const listener = await stage.connect()
      await listener.subscribe([stage.topic('a/#')], { subscriptionIdentifiers: [1] })
      await listener.subscribe([stage.topic('a/b')], { subscriptionIdentifiers: [268_435_455] })
      await listener.subscribe([stage.topic('c')])
      const publisher = await stage.connect()
      for (const end of ['a/b', 'a/c', 'c']) await publisher.publish(stage.topic(end), end)
      const [both, one, none] = (await listener.take(3)).map(
        ({ properties }) => properties.subscriptionIdentifiers ?? [],
      )
      stage.check(
        'several subscription identifiers',
        [...(both ?? [])].sort((a, b) => a - b),
        [1, 268_435_455],
      )
      assert.deepEqual(one, [1])
      assert.deepEqual(none, [])
    },
  },
  {
    name: 'a message names the identifier of its subscription',
    versions: [5],
    async run(stage) {
      const subscribeProperties = { subscriptionIdentifiers: [7] }
      const listener = await stage.connect({ filters: [stage.topic('#')], subscribeProperties })
      const publisher = await stage.connect()
      await publisher.publish(stage.topic('a'), 'identified')
      assert.deepEqual((await listener.next()).properties.subscriptionIdentifiers, [7])
    },
  },
  {
    name: 'a filter that is not allowed is refused, the others are not',
    async run(stage) {
      const filters = [stage.topic('a'), 'other/secret', stage.topic('b')]
      const listener = await stage.connect({ filters })
      assert.deepEqual(listener.connected.reasonCodes, [2, stage.version === 5 ? 0x87 : 0x80, 2])
      const publisher = await stage.connect({ user: 'admin' })
      for (const topic of filters) await publisher.publish(topic, topic)
      assert.deepEqual(payloads(await listener.take(2)), [stage.topic('a'), stage.topic('b')])
    },
  },
  {
    name: 'a publication that is not allowed reaches nobody',
    async run(stage) {
      const listener = await stage.connect({ user: 'admin', filters: [`+/${stage.level}/#`] })
      const publisher = await stage.connect()
      const { reasonCode } = await publisher.publish(`other/${stage.level}/a`, 'not allowed')
      if (stage.version === 5) stage.check('reason code of PUBACK', reasonCode, 0x87)
      await publisher.publish(stage.topic('a'), 'end')
      assert.deepEqual(await listener.until('end'), [])
    },
  },
  {
    name: 'wildcards at the beginning do not match topics that begin with $',
    async run(stage) {
      const hidden = `$secret/${stage.level}/a`
      const wild = await stage.connect({ user: 'admin', filters: ['#', `+/${stage.level}/a`] })
      const named = await stage.connect({ user: 'admin', filters: [`$secret/${stage.level}/#`] })
      const publisher = await stage.connect({ user: 'admin' })
      await publisher.publish(hidden, 'hidden')
      assert.equal((await named.next()).topic, hidden)
      await publisher.publish(stage.topic('a'), `end ${stage.level}`)
      const seen = (await wild.until(`end ${stage.level}`)).filter(({ topic }) => topic === hidden)
      assert.deepEqual(seen, [])
    },
  },
  {
    name: 'nothing comes after UNSUBSCRIBE',
    needs: ['UNSUBSCRIBE while connected'],
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('a'), stage.topic('b')] })
      const publisher = await stage.connect()
      const { reasonCodes } = await listener.unsubscribe(stage.topic('a'), stage.topic('never'))
      if (stage.version === 5) stage.check('reason codes of UNSUBACK', reasonCodes, [0, 0x11])
      await publisher.publish(stage.topic('a'), 'not wanted')
      await publisher.publish(stage.topic('b'), 'end')
      assert.deepEqual(await listener.until('end'), [])
    },
  },
  {
    name: 'of a shared subscription one gets each message; others get all',
    async run(stage) {
      const shared = { filters: [`$share/${stage.level}/${stage.topic('#')}`] }
      const workers = [await stage.connect(shared), await stage.connect(shared)]
      for (const { connected } of workers) assert.deepEqual(connected.reasonCodes, [2])
      const all = await stage.connect({ filters: [stage.topic('#')] })
      const publisher = await stage.connect()
      const sent = Array.from({ length: 20 }, (_, index) => `${index}`)
      const [first = '', ...more] = sent
      await publisher.publish(stage.topic('a'), first, { more })
      assert.deepEqual(payloads(await all.take(20)), sent)
      const got: string[] = []
      const collect = async (worker: (typeof workers)[number]) => {
        for (;;) {
          const { payload } = await worker.next()
          if (payload === 'end') return
          got.push(payload)
        }
      }
      const collected = Promise.race(workers.map(collect))
      await publisher.publish(stage.topic('a'), 'end')
      await collected
      // The other worker's last ones may still be on their way.
      while (got.length < 20) await new Promise((resolve) => setTimeout(resolve, 10))
      assert.deepEqual(
        got.sort((a, b) => Number(a) - Number(b)),
        sent,
      )
    },
  },
  {
    name: 'no local: a client does not get its own messages',
    versions: [5],
    needs: ['publications in the session that subscribes'],
    async run(stage) {
      const filters = [{ filter: stage.topic('quiet'), noLocal: true }, stage.topic('loud')]
      const speaker = await stage.connect({ filters })
      const other = await stage.connect()
      await speaker.publish(stage.topic('quiet'), 'own')
      await speaker.publish(stage.topic('loud'), 'own and loud')
      await other.publish(stage.topic('quiet'), 'of another')
      assert.deepEqual(payloads(await speaker.take(2)), ['own and loud', 'of another'])
    },
  },
]
