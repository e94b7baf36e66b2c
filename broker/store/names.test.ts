import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { publication, type RawClient, temporaryDirectory } from '../test-support.ts'
import { startStoreBroker, stored } from './test-broker.ts'

const timeout = 20_000
/** What every JavaScript object has, and an array. */
const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__', 'length'] as const

async function subscribe(client: RawClient, filters: readonly string[]) {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: filters.map((topic) => ({ topic, qos: 2 as const })) })
  return (await client.next('suback')).granted
}

for (const version of [4, 5] as const) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a name that objects have is a name like any other`, {
    timeout,
  }, () => {
    for (const name of names) {
      test(name, async (t) => {
        const directory = await temporaryDirectory(t)
        // No username begins with an underscore.
        const user = name.startsWith('_') ? 'try' : name
        const topic = `${user}/${name}`
        const first = await startStoreBroker(t, directory)
        const { client: away } = await first.login(version, stored(version, name), user)
        assert.deepEqual(await subscribe(away, [topic, `${topic}/#`, `${user}/+/${name}`]), [2, 2, 2])
        away.stream.end()
        await away.ended()

        const { client: sharing } = await first.login(version, stored(version, `${name}3`), user)
        assert.deepEqual(await subscribe(sharing, [`$share/${name}/${topic}`]), [2])
        sharing.stream.end()
        await sharing.ended()

        const will = { topic: `${topic}/will`, payload: Buffer.from('will'), qos: 1 as const, retain: true }
        const { client: publisher } = await first.login(version, { ...stored(version, `${name}2`), will }, user)
        // An own property even where it is called __proto__.
        const userProperties = Object.fromEntries([[name, name]])
        const properties =
          version === 5 ? { properties: { userProperties, responseTopic: name, contentType: name } } : {}
        const messages = [
          { topic, payload: '1' },
          { topic: `${topic}/${name}`, payload: '2', retain: true },
          { topic, payload: '3', qos: 2 as const },
        ]
        for (const [index, message] of messages.entries()) {
          publisher.send({ ...publication, ...properties, qos: 1, messageId: index + 1, ...message })
          await publisher.next(message.qos === 2 ? 'pubrec' : 'puback')
        }
        await first.crash()

        const second = await startStoreBroker(t, directory)
        const { client, connack } = await second.login(version, stored(version, name), user)
        assert.equal(connack.sessionPresent, true)
        const expected = [...messages, { topic: will.topic, payload: 'will' }]
        for (const message of expected) {
          const received = await client.next('publish')
          assert.deepEqual([received.topic, String(received.payload)], [message.topic, message.payload])
          if (version === 5 && message.payload !== 'will') {
            assert.deepEqual(Object.entries(received.properties?.userProperties ?? {}), [[name, name]])
            assert.deepEqual([received.properties?.responseTopic, received.properties?.contentType], [name, name])
          }
          const cmd = received.qos === 2 ? 'pubrec' : 'puback'
          if (received.messageId !== undefined) client.send({ cmd, messageId: received.messageId })
        }
        const { client: shared } = await second.login(version, stored(version, `${name}3`), user)
        assert.equal(String((await shared.next('publish')).payload), '1')
        assert.equal(String((await shared.next('publish')).payload), '3')
        client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic, `${topic}/#`, name] })
        await client.next('unsuback')
        const { client: late } = await second.login(version, { clientId: 'late' }, user)
        await subscribe(late, [`${user}/#`])
        const retained = [await late.next('publish'), await late.next('publish')]
        assert.deepEqual(retained.map((packet) => packet.topic).sort(), [`${topic}/${name}`, will.topic].sort())
      })
    }
  })
}
