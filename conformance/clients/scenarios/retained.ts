import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'

export const retained: readonly Scenario[] = [
  {
    name: 'a retained message is kept, replaced and cleared',
    async run(stage) {
      const publisher = await stage.connect()
      const live = await stage.connect({ filters: [stage.topic('#')] })
      const seenByNew = async () => {
        const late = await stage.connect({ filters: [stage.topic('+/kept')] })
        // With QoS 2, as the one that it may follow: a library may show those only when they are released.
        await publisher.publish(stage.topic('x/kept'), 'end', { qos: 2 })
        return (await late.until('end')).map(({ payload, retain }) => ({ payload, retain }))
      }
      const topic = stage.topic('x/kept')
      await publisher.publish(topic, 'first', { retain: true })
      assert.deepEqual(await seenByNew(), [{ payload: 'first', retain: true }])
      await publisher.publish(topic, 'second', { retain: true, qos: 2 })
      assert.deepEqual(await seenByNew(), [{ payload: 'second', retain: true }])
      await publisher.publish(topic, '', { retain: true })
      assert.deepEqual(await seenByNew(), [])
      const seenLive = (await live.take(6)).map(({ payload, retain }) => ({ payload, retain }))
      const expected = ['first', 'end', 'second', 'end', '', 'end'].map((payload) => ({ payload, retain: false }))
      assert.deepEqual(seenLive, expected)
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
      const seenWith = async (retainHandling: 0 | 1 | 2) => {
        await listener.subscribe([{ filter: topic, retainHandling }])
        await publisher.publish(topic, 'end')
        return (await listener.until('end')).length
      }
      assert.equal(await seenWith(2), 0, 'never')
      assert.equal(await seenWith(1), 0, 'for new ones, on one that is there')
      assert.equal(await seenWith(0), 1, 'always, on one that is there')
      await listener.unsubscribe(topic)
      assert.equal(await seenWith(1), 1, 'for new ones, on a new one')
      await listener.unsubscribe(topic)
      assert.equal(await seenWith(2), 0, 'never, on a new one')
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
