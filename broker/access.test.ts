import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import {
  adminCertificate,
  connectPacket,
  otherCertificate,
  publication,
  RawClient,
  startTestBroker,
  tryCertificate,
} from './test-support.ts'

const timeout = 20_000
const versions = [4, 5] as const
const foreignFilters = ['#', '+/a', 'other/#', 'other', '+', 'trya/#', 'Try/a', '/try/a', '$SYS/#', '$CONTROL/#']
const foreignTopics = [
  'other/a',
  'other',
  'trya',
  'Try/a',
  '/try/a',
  'tr',
  '$SYS/x',
  '$CONTROL/dynamic-security/v1',
  '$nowhere',
]

for (const version of versions) {
  const denied = version === 5 ? 0x87 : 0x80

  async function subscribe(
    client: RawClient,
    topics: readonly string[],
    qos: 0 | 1 | 2 = 1,
  ): Promise<readonly unknown[]> {
    client.send({ cmd: 'subscribe', messageId: 7, subscriptions: topics.map((topic) => ({ topic, qos })) })
    return (await client.next('suback')).granted
  }

  /** Everything that reaches the administrator: it listens to `#` and `$SYS`, until a last message comes. */
  async function overhear(t: TestContext, broker: Awaited<ReturnType<typeof startTestBroker>>) {
    const admin = await RawClient.login(t, broker, version, {}, adminCertificate)
    assert.deepEqual(await subscribe(admin, ['#', '$CONTROL/#', '$SYS/x']), [1, 1, 1])
    const next = async () => (await admin.next('publish')).topic
    const soFar = async () => {
      admin.send({ ...publication, topic: 'last' })
      const topics: string[] = []
      for (let topic = await next(); topic !== 'last'; topic = await next()) topics.push(topic)
      return topics
    }
    return Object.assign(soFar, { next })
  }

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a user`, { timeout }, () => {
    test('subscribes below its name only', async (t) => {
      const broker = await startTestBroker(t)
      const client = await RawClient.login(t, broker, version)
      assert.deepEqual(await subscribe(client, ['try', 'try/#', 'try/+/x', 'try/']), [1, 1, 1, 1])
      assert.deepEqual(
        await subscribe(client, foreignFilters),
        foreignFilters.map(() => denied),
      )
    })

    test('publishes below its name only', async (t) => {
      const broker = await startTestBroker(t)
      const heard = await overhear(t, broker)
      const client = await RawClient.login(t, broker, version)
      for (const topic of [...foreignTopics, 'try', 'try/a/b']) {
        for (const qos of [0, 1, 2] as const) {
          client.send({ ...publication, topic, payload: 'x', qos, retain: true, messageId: 3 })
          const isAllowed = topic.startsWith('try') && topic !== 'trya'
          const expected = isAllowed || version === 4 ? 0 : 0x87
          if (qos === 1) assert.equal((await client.next('puback')).reasonCode ?? 0, expected, topic)
          if (qos === 2) {
            assert.equal((await client.next('pubrec')).reasonCode ?? 0, expected, topic)
            client.send({ cmd: 'pubrel', messageId: 3 })
            await client.next('pubcomp')
          }
        }
      }
      client.send({ cmd: 'pingreq' })
      await client.next('pingresp')
      assert.deepEqual(await heard(), ['try', 'try', 'try', 'try/a/b', 'try/a/b', 'try/a/b'])
      const later = await RawClient.login(t, broker, version, {}, adminCertificate)
      await subscribe(later, ['#', '$CONTROL/#', '$nowhere'])
      const retained = [(await later.next('publish')).topic, (await later.next('publish')).topic]
      assert.deepEqual(retained.sort(), ['try', 'try/a/b'])
      later.send({ cmd: 'pingreq' })
      await assert.doesNotReject(later.next('pingresp'))
    })

    test('hears no reason text that the broker did not mean to send', async (t) => {
      const broker = await startTestBroker(t)
      const client = await RawClient.login(t, broker, version)
      client.send({ ...publication, topic: 'other', qos: 1, messageId: 3 })
      assert.equal((await client.next('puback')).properties, undefined)
    })

    test('gets nothing of others through a SUBSCRIBE that names allowed and refused filters', async (t) => {
      const broker = await startTestBroker(t, { queuedMessagesPerSession: 1 })
      const session = {
        clientId: 'mixed',
        clean: false,
        ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}),
      }
      const client = await RawClient.login(t, broker, version, session)
      assert.deepEqual(await subscribe(client, ['try/#', 'other/#', '#']), [1, denied, denied])
      client.stream.end()
      await client.ended()
      const other = await RawClient.login(t, broker, version, {}, otherCertificate)
      other.send({ ...publication, topic: 'other/secret', qos: 1, messageId: 3 })
      await other.next('puback')
      const friend = await RawClient.login(t, broker, version)
      friend.send({ ...publication, topic: 'try/own', qos: 1, messageId: 3 })
      await friend.next('puback')
      const again = await RawClient.openTls(t, broker, version)
      again.send(connectPacket(version, session))
      assert.equal((await again.next('connack')).sessionPresent, true)
      assert.equal((await again.next('publish')).topic, 'try/own')
      other.send({ ...publication, topic: 'other/secret', qos: 1, messageId: 4 })
      await other.next('puback')
      again.send({ cmd: 'pingreq' })
      await again.next('pingresp')
      assert.equal(broker.lines.filter(({ msg }) => msg === 'limited').length, 0)
    })

    test('shares subscriptions to what it may subscribe to by itself', async (t) => {
      const broker = await startTestBroker(t)
      const client = await RawClient.login(t, broker, version)
      const refused = version === 5 ? 0x87 : 0x80
      const filters = ['$share/group/try/#', '$share/group/other/#', '$share/group/#', '$share/try/$SYS/#']
      assert.deepEqual(await subscribe(client, filters), [1, refused, refused, refused])
    })

    test('leaves a will below its name only', async (t) => {
      const broker = await startTestBroker(t)
      const heard = await overhear(t, broker)
      for (const topic of foreignTopics) {
        const client = await RawClient.openTls(t, broker, version)
        client.send(connectPacket(version, { will: { topic, payload: Buffer.from('x'), qos: 1 } }))
        const { returnCode, reasonCode } = await client.next('connack')
        assert.equal(version === 5 ? reasonCode : returnCode, version === 5 ? 0x87 : 5, topic)
        await client.ended()
      }
      const properties = version === 5 ? { willDelayInterval: 0, contentType: 'text/plain' } : {}
      const will = { topic: 'try/gone', payload: Buffer.from('x'), qos: 1 as const, properties }
      const client = await RawClient.login(t, broker, version, { will })
      client.stream.destroy()
      assert.equal(await heard.next(), 'try/gone')
      assert.deepEqual(await heard(), [])
    })

    test('leaves no will that is no topic', async (t) => {
      const broker = await startTestBroker(t)
      for (const topic of ['try/#', 'try/+', '#', `try/${'a'.repeat(1_024)}`]) {
        const client = await RawClient.openTls(t, broker, version)
        client.send(connectPacket(version, { will: { topic, payload: Buffer.from('x'), qos: 0 } }))
        const answers = (await client.ended()).map((packet) =>
          packet.cmd === 'connack' ? packet.reasonCode : packet.cmd,
        )
        // MQTT 3.1.1 has no return code for it [MQTT-3.1.4-1].
        assert.deepEqual(answers, version === 5 ? [0x81] : [], topic)
      }
    })
  })

  test(`MQTT ${version}: an administrator may do everything but speak for the broker`, { timeout }, async (t) => {
    const broker = await startTestBroker(t)
    const heard = await overhear(t, broker)
    const admin = await RawClient.login(t, broker, version, {}, adminCertificate)
    assert.deepEqual(await subscribe(admin, ['other/#', '+/a', '$SYS/#', '$CONTROL/#']), [1, 1, 1, 1])
    for (const topic of ['$SYS/x', '$SYS/other-broker/new/clients', '$CONTROL/dynamic-security/v1', 'other/a']) {
      admin.send({ ...publication, topic, qos: 1, messageId: 3, payload: 'try' })
      const isAllowed = topic === 'other/a' || version === 4
      assert.equal((await admin.next('puback')).reasonCode ?? 0, isAllowed ? 0 : 0x87, topic)
    }
    assert.deepEqual(await heard(), ['other/a'])
  })
}

test('a will delay is not passed on to subscribers', { timeout }, async (t) => {
  const broker = await startTestBroker(t)
  const subscriber = await RawClient.login(t, broker)
  subscriber.send({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic: 'try/#', qos: 0 }] })
  await subscriber.next('suback')
  const properties = { willDelayInterval: 1 }
  const will = { topic: 'try/gone', payload: Buffer.from('x'), qos: 0 as const, properties }
  const client = await RawClient.login(t, broker, 5, { will, properties: { sessionExpiryInterval: 1 } })
  client.stream.destroy()
  const message = await subscriber.next('publish')
  assert.equal(message.topic, 'try/gone')
  assert.equal(Object.hasOwn(message.properties ?? {}, 'willDelayInterval'), false)
})

test('nobody but the broker can end a session through $SYS', { timeout }, async (t) => {
  const broker = await startTestBroker(t)
  const victim = await RawClient.login(t, broker, 5, { clientId: 'victim' }, otherCertificate)
  for (const issued of [tryCertificate, adminCertificate]) {
    const client = await RawClient.login(t, broker, 5, {}, issued)
    client.send({ ...publication, topic: '$SYS/elsewhere/new/clients', payload: 'victim' })
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
  }
  victim.send({ cmd: 'pingreq' })
  await victim.next('pingresp')
})
