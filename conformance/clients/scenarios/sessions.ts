import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1_000))
const payloads = (messages: readonly { payload: string }[]) => messages.map(({ payload }) => payload)

export const sessions: readonly Scenario[] = [
  {
    name: 'a session is present again, with its subscriptions and what it has missed',
    async run(stage) {
      const first = await stage.connectStored(stage.clientId(), { filters: [stage.topic('#')] })
      stage.check('session present', first.connected.sessionPresent, false)
      await first.disconnect()
      const publisher = await stage.connect()
      for (const number of [1, 2, 3]) {
        for (const qos of [1, 2] as const) await publisher.publish(stage.topic('a'), `${number} at QoS ${qos}`, { qos })
      }
      const second = await stage.connectStored(stage.clientId(), { filters: [] })
      stage.check('session present', second.connected.sessionPresent, true)
      await publisher.publish(stage.topic('a'), 'end', { qos: 2 })
      const seen = await second.until('end')
      // A library may show a QoS 2 message only when it is released, so the order is one for each QoS.
      for (const wanted of [1, 2]) {
        assert.deepEqual(
          payloads(seen.filter(({ qos }) => qos === wanted)),
          [1, 2, 3].map((number) => `${number} at QoS ${wanted}`),
        )
      }
    },
  },
  {
    name: 'a clean start forgets the session',
    async run(stage) {
      const first = await stage.connectStored(stage.clientId(), { filters: [stage.topic('#')] })
      await first.disconnect()
      const publisher = await stage.connect()
      await publisher.publish(stage.topic('a'), 'missed')
      const clean = await stage.connect({ clientId: stage.clientId(), filters: [] })
      stage.check('session present', clean.connected.sessionPresent, false)
      await clean.disconnect()
      const last = await stage.connectStored(stage.clientId(), { filters: [stage.topic('other')] })
      stage.check('session present', last.connected.sessionPresent, false)
      await publisher.publish(stage.topic('a'), 'nobody listens')
      await publisher.publish(stage.topic('other'), 'end')
      assert.deepEqual(await last.until('end'), [])
    },
  },
  {
    name: 'a session expires, and lives on with a later connection',
    versions: [5],
    async run(stage) {
      const expiresIn = (end: string, sessionExpiry: number) =>
        stage.connectStored(stage.clientId(end), { filters: [stage.topic('#')] }, sessionExpiry)
      for (const party of [await expiresIn('short', 1), await expiresIn('long', 300)]) await party.disconnect()
      const publisher = await stage.connect()
      await publisher.publish(stage.topic('a'), 'missed')
      await seconds(2.5)
      const [short, long] = [await expiresIn('short', 1), await expiresIn('long', 300)]
      stage.check('session present', short.connected.sessionPresent, false, 'the session of 1 s')
      stage.check('session present', long.connected.sessionPresent, true, 'the session of 300 s')
      await publisher.publish(stage.topic('a'), 'end')
      assert.deepEqual(payloads(await short.until('end')), [])
      assert.deepEqual(payloads(await long.until('end')), ['missed'])
    },
  },
  {
    name: 'DISCONNECT changes how long a session lives',
    versions: [5],
    needs: ['DISCONNECT with properties'],
    async run(stage) {
      const filters = [stage.topic('#')]
      const first = await stage.connectStored(stage.clientId(), { filters })
      await first.disconnect(0, { sessionExpiryInterval: 0 })
      const publisher = await stage.connect()
      await publisher.publish(stage.topic('a'), 'missed')
      const second = await stage.connectStored(stage.clientId(), { filters })
      stage.check('session present', second.connected.sessionPresent, false)
      await publisher.publish(stage.topic('a'), 'end')
      assert.deepEqual(payloads(await second.until('end')), [])
    },
  },
  {
    name: 'a second connection with its client id takes a session over',
    async run(stage) {
      const old = await stage.connectStored(stage.clientId(), { filters: [stage.topic('#')] })
      const young = await stage.connectStored(stage.clientId(), { filters: [] })
      const reasonCode = await old.closed()
      if (stage.version === 5) stage.check('reason of a DISCONNECT', reasonCode, 0x8e)
      stage.check('session present', young.connected.sessionPresent, true)
      const publisher = await stage.connect()
      await publisher.publish(stage.topic('a'), 'for the young one')
      assert.equal((await young.next()).payload, 'for the young one')
    },
  },
  {
    name: 'what a client did not acknowledge comes again, marked; QoS 2 only once',
    async run(stage) {
      const publisher = await stage.connect()
      for (const qos of [1, 2] as const) {
        const topic = stage.topic(`QoS ${qos}`)
        const listener = await stage.connectStored(stage.clientId(`${qos}`), { filters: [{ filter: topic, qos }] })
        listener.cable.hold('to the broker')
        await publisher.publish(topic, 'once', { qos })
        // A library may show a QoS 2 message at once or when it is released [MQTT-4.3.3], so only QoS 1 can be waited for.
        if (qos === 1) assert.equal((await listener.next()).dup, false)
        await listener.cut()
        await listener.reconnect()
        stage.check('session present', listener.connected.sessionPresent, true)
        await publisher.publish(topic, 'end', { qos })
        const seen = await listener.until('end')
        if (qos === 1) {
          assert.deepEqual(payloads(seen), ['once'])
          stage.check('DUP flag', seen[0]?.dup, true)
        } else stage.check('QoS 2 over a reconnect', payloads(seen), ['once'])
      }
    },
  },
  {
    name: 'what the broker did not acknowledge is sent again; QoS 2 is delivered once',
    needs: ['messages kept over a reconnect'],
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      for (const qos of [1, 2] as const) {
        const publisher = await stage.connectStored(stage.clientId(`${qos}`))
        publisher.cable.hold('to the client')
        const published = publisher.publish(stage.topic('a'), 'again', { qos })
        assert.equal((await listener.next()).payload, 'again')
        await publisher.cut()
        await publisher.reconnect()
        assert.ok((await published).reasonCode < 0x80)
        await publisher.publish(stage.topic('a'), 'end', { qos })
        const repeated = payloads(await listener.until('end'))
        assert.deepEqual(repeated, qos === 1 ? ['again'] : [])
      }
    },
  },
]
