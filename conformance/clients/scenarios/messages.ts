import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'

const payloads = (messages: readonly { payload: string }[]) => messages.map(({ payload }) => payload)

export const messages: readonly Scenario[] = [
  {
    name: 'QoS 0, 1 and 2 arrive, once each',
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      assert.deepEqual(listener.connected.reasonCodes, [2])
      const publisher = await stage.connect()
      for (const qos of [0, 1, 2] as const) await publisher.publish(stage.topic('a'), `QoS ${qos}`, { qos })
      await publisher.publish(stage.topic('a'), 'end', { qos: 2 })
      const seen = await listener.until('end')
      assert.deepEqual(
        seen.map(({ topic, payload, qos, retain }) => ({ topic, payload, qos, retain })),
        ([0, 1, 2] as const).map((qos) => ({ topic: stage.topic('a'), payload: `QoS ${qos}`, qos, retain: false })),
      )
    },
  },
  {
    name: 'a message comes with the smaller QoS of publication and subscription',
    async run(stage) {
      const publisher = await stage.connect()
      for (const granted of [0, 1] as const) {
        const topic = stage.topic(`granted ${granted}`)
        const listener = await stage.connect({ filters: [{ filter: topic, qos: granted }] })
        assert.deepEqual(listener.connected.reasonCodes, [granted])
        await publisher.publish(topic, 'QoS 2', { qos: 2 })
        assert.equal((await listener.next()).qos, granted)
      }
    },
  },
  {
    name: '1,000 messages at once, in order, none twice (QoS 1 and 2)',
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const publisher = await stage.connect()
      for (const qos of [1, 2] as const) {
        const sent = Array.from({ length: 1_000 }, (_, index) => `${qos}-${index}`)
        const [first = '', ...more] = sent
        const published = publisher.publish(stage.topic('a'), first, { qos, more })
        const seen = payloads(await listener.take(sent.length))
        await published
        await publisher.publish(stage.topic('a'), `end ${qos}`, { qos })
        assert.deepEqual(await listener.until(`end ${qos}`), [], 'more than was sent')
        assert.deepEqual(seen, sent)
      }
    },
  },
  {
    name: 'large and empty payloads, and topics in any script',
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const publisher = await stage.connect()
      const large = 'skerry '.repeat(30_000)
      await publisher.publish(stage.topic('large'), large)
      await publisher.publish(stage.topic('empty'), '')
      await publisher.publish(stage.topic('Schäre/скала/岩/🪨'), 'ö и 岩 🪨')
      const [first, second, third] = await listener.take(3)
      assert.equal(first?.payload.length, large.length)
      assert.ok(first.payload === large, 'the large payload has changed on its way')
      assert.deepEqual([second?.topic, second?.payload], [stage.topic('empty'), ''])
      assert.deepEqual([third?.topic, third?.payload], [stage.topic('Schäre/скала/岩/🪨'), 'ö и 岩 🪨'])
    },
  },
  {
    name: 'user properties, content type, payload format indicator',
    versions: [5],
    async run(stage) {
      const listener = await stage.connect({ filters: [stage.topic('#')] })
      const publisher = await stage.connect()
      const properties = {
        contentType: 'text/plain',
        payloadFormatIndicator: 1,
        userProperties: [
          ['colour', 'red'],
          ['__proto__', 'a'],
          ['colour', 'blue'],
        ] as const,
      }
      await publisher.publish(stage.topic('a'), 'with properties', { properties })
      const { contentType, payloadFormatIndicator, userProperties } = (await listener.next()).properties
      assert.equal(contentType, properties.contentType)
      assert.equal(payloadFormatIndicator, properties.payloadFormatIndicator)
      assert.deepEqual(userProperties?.map(String).sort(), properties.userProperties.map(String).sort())
      stage.check('user properties in their order', userProperties, properties.userProperties)
    },
  },
  {
    name: 'request and response, with correlation data',
    versions: [5],
    async run(stage) {
      const responder = await stage.connect({ filters: [stage.topic('request')] })
      const requester = await stage.connect({ filters: [stage.topic('response')] })
      const publisher = await stage.connect()
      const asked = { responseTopic: stage.topic('response'), correlationData: 'number 7' }
      await publisher.publish(stage.topic('request'), 'what time is it?', { properties: asked })
      const { responseTopic = '', correlationData = '' } = (await responder.next()).properties
      assert.deepEqual({ responseTopic, correlationData }, asked)
      await publisher.publish(responseTopic, 'late', { properties: { correlationData } })
      const response = await requester.next()
      assert.equal(response.payload, 'late')
      assert.equal(response.properties.correlationData, 'number 7')
    },
  },
  {
    name: 'a program for requests gets its response',
    needs: ['program for requests'],
    async run(stage) {
      const responder = await stage.connect({ filters: [stage.topic('request')] })
      const requester = await stage.connect()
      const answered = requester.request(stage.topic('request'), stage.topic('response'), 'what time is it?')
      const { payload, properties } = await responder.next()
      assert.equal(payload, 'what time is it?')
      const responseTopic = stage.version === 5 ? properties.responseTopic : stage.topic('response')
      assert.equal(responseTopic, stage.topic('response'))
      const { correlationData } = properties
      const publisher = await stage.connect()
      await publisher.publish(responseTopic, 'late', { properties: correlationData ? { correlationData } : {} })
      assert.deepEqual(await answered, { payload: 'late' })
    },
  },
  {
    name: 'messages expire while they wait, and say how long they may still',
    versions: [5],
    async run(stage) {
      const filters = [stage.topic('#')]
      const listener = await stage.connectStored(stage.clientId(), { filters })
      await listener.disconnect()
      const publisher = await stage.connect()
      const expiring = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } })
      await publisher.publish(stage.topic('a'), 'short', expiring(1))
      await publisher.publish(stage.topic('a'), 'long', expiring(100))
      await publisher.publish(stage.topic('a'), 'kept', { ...expiring(1), retain: true })
      await new Promise((resolve) => setTimeout(resolve, 2_100))
      const back = await stage.connectStored(stage.clientId(), { filters })
      await publisher.publish(stage.topic('a'), 'end')
      const seen = await back.until('end')
      assert.deepEqual(payloads(seen), ['long'])
      const left = seen[0]?.properties.messageExpiryInterval
      stage.check(
        'message expiry interval',
        left !== undefined && left > 0 && left < 100,
        true,
        `${left} s left of 100`,
      )
    },
  },
]
