import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'

export const retained: readonly Scenario[] = [
  {
    name: 'a retained message is kept, replaced and cleared',
    async run(stage) {
      const publisher = await stage.connect()
      const topic = stage.topic('x/kept')
      // Comes after it in the order of topics, so that nothing else is to come when this has come.
      await publisher.publish(stage.topic('x/last'), 'last', { retain: true, qos: 2 })
      const live = await stage.connect({ filters: [topic] })
      const seenByNew = async () => {
        const late = await stage.connect({ filters: [stage.topic('x/+')] })
        return (await late.until('last')).map(({ payload, retain }) => ({ payload, retain }))
      }
      // All with QoS 2: a library may show those later than others, when they are released.
      await publisher.publish(topic, 'first', { retain: true, qos: 2 })
      assert.deepEqual(await seenByNew(), [{ payload: 'first', retain: true }])
      await publisher.publish(topic, 'second', { retain: true, qos: 2 })
      assert.deepEqual(await seenByNew(), [{ payload: 'second', retain: true }])
      await publisher.publish(topic, '', { retain: true, qos: 2 })
      assert.deepEqual(await seenByNew(), [])
      const seenLive = (await live.take(3)).map(({ payload, retain }) => ({ payload, retain }))
      const expected = ['first', 'second', ''].map((payload) => ({ payload, retain: false }))
      assert.deepEqual(seenLive, expected)
    },
  },
  {
    name: 'a retained message comes before newer ones of its topic',
    async run(stage) {
      const publisher = await stage.connect()
      for (const end of ['a', 'b', 'c', 'd']) {
        await publisher.publish(stage.topic(end), 'retained', { retain: true })
        const listener = await stage.connect({ filters: [stage.topic(end)] })
        await publisher.publish(stage.topic(end), 'newer')
        assert.deepEqual(
          (await listener.take(2)).map(({ payload }) => payload),
          ['retained', 'newer'],
        )
      }
    },
  },
  {
    name: 'retain handling: always, for new subscriptions, never',
    versions: [5],
    needs: ['retain handling'],
    async run(stage) {
      const publisher = await stage.connect()
      const topic = stage.topic('a')
      await publisher.publish(topic, 'kept', { retain: true })
      const listener = await stage.connect()
      const subscribe = (retainHandling: 0 | 1 | 2) => listener.subscribe([{ filter: topic, retainHandling }])
      const getsNothing = async () => {
        await publisher.publish(topic, 'nothing but this')
        assert.equal((await listener.next()).payload, 'nothing but this')
      }
      const getsIt = async () => assert.equal((await listener.next()).payload, 'kept')
      await subscribe(2)
      await getsNothing()
      await subscribe(1)
      await getsNothing()
      await subscribe(0)
      await getsIt()
      await listener.unsubscribe(topic)
      await subscribe(1)
      await getsIt()
      await listener.unsubscribe(topic)
      await subscribe(2)
      await getsNothing()
      // What came late after all would be here now.
      await subscribe(0)
      await getsIt()
      await getsNothing()
    },
  },
  {
    name: 'retain as published',
    versions: [5],
    async run(stage) {
      const publisher = await stage.connect()
      const seenWith = async (retainAsPublished: boolean) => {
        const filter = { filter: stage.topic(`${retainAsPublished}/#`), retainAsPublished }
        const listener = await stage.connect({ filters: [filter] })
        await publisher.publish(stage.topic(`${retainAsPublished}/a`), 'kept', { retain: true })
        await publisher.publish(stage.topic(`${retainAsPublished}/a`), 'not kept')
        return (await listener.take(2)).map(({ retain }) => retain)
      }
      assert.deepEqual(await seenWith(false), [false, false])
      assert.deepEqual(await seenWith(true), [true, false])
    },
  },
]
