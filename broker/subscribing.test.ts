import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { startStoreBroker, stored } from './store/test-broker.ts'
import { publication, type RawClient, temporaryDirectory } from './test-support.ts'

const timeout = 20_000

async function start(t: TestContext) {
  return await startStoreBroker(t, await temporaryDirectory(t))
}

function identifiersOf({ properties }: IPublishPacket): number[] {
  return [properties?.subscriptionIdentifier ?? []].flat().sort((a, b) => a - b)
}

function reasonOf(packet: Packet | undefined): number | undefined {
  return packet?.cmd === 'disconnect' ? packet.reasonCode : undefined
}

async function unsubscribe(client: RawClient, ...unsubscriptions: string[]): Promise<unknown> {
  client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions })
  const { granted } = await client.next('unsuback')
  return granted
}

for (const version of [4, 5] as const) {
  const failure = (reasonCode: number) => (version === 5 ? reasonCode : 0x80)

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: a SUBSCRIBE`, { timeout }, () => {
    for (const session of [{}, stored(version, 'lasting')]) {
      const kind = 'clientId' in session ? 'a lasting session' : 'a session that ends with its connection'

      test(`of ${kind} is answered with a code for each filter, in their order`, async (t) => {
        const broker = await start(t)
        const { client } = await broker.login(version, session, 'admin')
        const codes = await client.subscribe([
          { topic: '2', qos: 2 },
          { topic: '1', qos: 1 },
          { topic: 'a', qos: 0 },
          { topic: '$share/group', qos: 1 },
          { topic: '1', qos: 0 },
          { topic: '__proto__', qos: 1 },
          { topic: '$nowhere/a', qos: 1 },
        ])
        assert.deepEqual(codes, [2, 1, 0, failure(0x8f), 0, 1, failure(0x87)])
      })

      test(`of ${kind} for the same filter replaces the subscription`, async (t) => {
        const broker = await start(t)
        const { client } = await broker.login(version, session)
        assert.deepEqual(await client.subscribe([{ topic: 'try/a', qos: 2 }]), [2])
        assert.deepEqual(await client.subscribe([{ topic: 'try/a', qos: 0 }]), [0])
        client.send({ ...publication, qos: 1, messageId: 1, payload: 'x' })
        const { qos, payload } = await client.next('publish')
        assert.deepEqual([qos, String(payload)], [0, 'x'])
        assert.deepEqual(await unsubscribe(client, 'try/a'), version === 5 ? [0] : undefined)
        client.send({ ...publication, qos: 1, messageId: 1, payload: 'x' })
        await client.next('puback')
        assert.deepEqual(await client.settled(), [])
      })
    }

    test('holds for what its client publishes right after it', async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(version)
      client.send(
        { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/a', qos: 1 }] },
        { ...publication, payload: 'x' },
      )
      assert.equal(String((await client.next('publish')).payload), 'x')
    })

    test('and UNSUBSCRIBE take effect in the order in which they come', async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(version, stored(version, 'lasting'))
      const subscribe: Packet = { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/a', qos: 1 }] }
      const leave: Packet = { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['try/a'] }
      client.send(subscribe, leave, subscribe, leave, subscribe)
      for (const kind of ['suback', 'unsuback', 'suback', 'unsuback', 'suback'] as const) {
        assert.equal((await client.any())?.cmd, kind)
      }
      client.send({ ...publication, qos: 1, messageId: 1, payload: 'x' })
      await client.next('publish')
    })
  })

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: an UNSUBSCRIBE`, { timeout }, () => {
    test('says which subscriptions there were, and is not heeded for another text of the same meaning', async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(version)
      await client.subscribe(['try/a', '$share/x/try/b'].map((topic) => ({ topic, qos: 0 })))
      const codes = await unsubscribe(client, 'try/+', 'try/a', 'try/a', 'try/b', '$share/x/try/b', '$share/x')
      assert.deepEqual(codes, version === 5 ? [0x11, 0, 0x11, 0x11, 0, 0x8f] : undefined)
    })

    test('that cannot be stored has not happened', async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(version, stored(version, 'lasting'))
      await client.subscribe([{ topic: 'try/a', qos: 0 }])
      broker.store.isFailing = true
      client.send({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['try/a', 'try/b'] })
      if (version === 5) assert.deepEqual((await client.next('unsuback')).granted, [0x80, 0x11])
      else assert.deepEqual(await client.ended(), [])
      const { client: again } = await broker.login(version, stored(version, 'lasting'))
      again.send({ ...publication, payload: 'x' })
      await again.next('publish')
    })
  })
}

describe('subscription identifiers', { timeout }, () => {
  for (const session of [{}, stored(5, 'lasting')]) {
    const kind = 'clientId' in session ? 'a lasting session' : 'a session that ends with its connection'

    test(`of all subscriptions that match come with the one copy, to ${kind}`, async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(5, session)
      await client.subscribe([{ topic: 'try/#', qos: 0 }], 1)
      await client.subscribe([{ topic: 'try/+', qos: 1 }], 268_435_455)
      await client.subscribe([{ topic: 'try/a', qos: 2 }], 7)
      await client.subscribe([{ topic: 'try/b', qos: 2 }], 8)
      await client.subscribe([{ topic: '+/a', qos: 0 }])
      const { client: publisher } = await broker.login(5)
      for (const qos of [0, 1, 2] as const) {
        publisher.send({ ...publication, qos, messageId: 1, properties: { contentType: 'text/plain' } })
        const message = await client.next('publish')
        assert.equal(message.qos, qos)
        assert.equal(message.properties?.contentType, 'text/plain')
        assert.deepEqual(identifiersOf(message), [1, 7, 268_435_455])
        if (qos === 1) client.send({ cmd: 'puback', messageId: message.messageId ?? 0 })
      }
      assert.deepEqual(await client.settled(), [])
    })

    test(`go with their subscription when it is replaced, in ${kind}`, async (t) => {
      const broker = await start(t)
      const { client } = await broker.login(5, session)
      for (const identifier of [1, 2, undefined]) {
        await client.subscribe([{ topic: 'try/a', qos: 1 }], identifier)
        client.send({ ...publication, payload: 'x' })
        const message = await client.next('publish')
        assert.deepEqual(identifiersOf(message), identifier === undefined ? [] : [identifier])
      }
    })
  }

  test('that are the same come as often as subscriptions match', async (t) => {
    const broker = await start(t)
    const { client } = await broker.login(5)
    await client.subscribe(
      ['try/#', 'try/a'].map((topic) => ({ topic, qos: 0 })),
      3,
    )
    client.send(publication)
    assert.deepEqual(identifiersOf(await client.next('publish')), [3, 3])
  })

  test('come with messages that waited, also after a restart', async (t) => {
    const directory = await temporaryDirectory(t)
    const first = await startStoreBroker(t, directory)
    const { client } = await first.login(5, stored(5, 'lasting'))
    await client.subscribe([{ topic: 'try/#', qos: 1 }], 1)
    await client.subscribe([{ topic: 'try/a', qos: 2 }], 2)
    client.stream.destroy()
    const { client: publisher } = await first.login(5)
    publisher.send({ ...publication, qos: 1, messageId: 1 })
    await publisher.next('puback')
    await first.crash()
    const second = await startStoreBroker(t, directory)
    const { client: back } = await second.login(5, stored(5, 'lasting'))
    const queued = await back.next('publish')
    assert.deepEqual(identifiersOf(queued), [1, 2])
    back.send(publication)
    assert.deepEqual(identifiersOf(await back.next('publish')), [1, 2])
  })

  test('are above 0', async (t) => {
    const broker = await start(t)
    const { client } = await broker.login(5)
    // Cannot be generated: mqtt-packet leaves out what is false.
    client.stream.write(Buffer.from([0x82, 9, 0, 1, 2, 0x0b, 0, 0, 1, 0x61, 0]))
    assert.equal(reasonOf((await client.ended()).at(-1)), 0x82)
  })
})

describe('no local and retain as published', { timeout }, () => {
  test('hold for the client id of the publisher, live and after a restart', async (t) => {
    const directory = await temporaryDirectory(t)
    let broker = await startStoreBroker(t, directory)
    const session = stored(5, 'lasting')
    const { client: first } = await broker.login(5, session)
    await first.subscribe([{ topic: 'try/a', qos: 1, nl: true, rap: true, rh: 2 }])
    for (const round of ['live', 'after a restart']) {
      const { client } = await broker.login(5, session)
      client.send({ ...publication, payload: 'own' }, { ...publication, qos: 1, messageId: 1, payload: 'own' })
      await client.next('puback')
      const { client: other } = await broker.login(5)
      for (const [qos, retain] of [
        [0, true],
        [1, true],
        [0, false],
        [1, false],
      ] as const) {
        other.send({ ...publication, qos, retain, messageId: 1, payload: 'x' })
        const message = await client.next('publish')
        assert.deepEqual([String(message.payload), message.qos, message.retain], ['x', qos, retain], round)
        if (qos === 1) client.send({ cmd: 'puback', messageId: message.messageId ?? 0 })
      }
      assert.deepEqual(await client.settled(), [])
      await broker.crash()
      broker = await startStoreBroker(t, directory)
    }
  })

  test('are of each subscription: what one leaves out another brings', async (t) => {
    const broker = await start(t)
    const { client } = await broker.login(5)
    await client.subscribe([{ topic: 'try/a', qos: 1, nl: true }], 1)
    await client.subscribe([{ topic: 'try/#', qos: 0 }], 2)
    client.send({ ...publication, qos: 1, messageId: 1 })
    const message = await client.next('publish')
    assert.deepEqual([message.qos, identifiersOf(message)], [0, [2]])
  })
})

describe('a client that takes no more', { timeout }, () => {
  for (const [what, limits] of [
    ['messages', { queuedMessagesPerSession: 3 }],
    // A message counts for its payload, its topic and 256 bytes.
    ['bytes', { stalledSubscriberBytes: 3 * (256 + 5 + 1) }],
  ] as const) {
    test(`than so many ${what} in memory loses its connection, and nobody else a message`, async (t) => {
      const broker = await startStoreBroker(t, await temporaryDirectory(t), limits)
      const { client } = await broker.login(5, { clientId: 'silent', properties: { receiveMaximum: 1 } })
      await client.subscribe([{ topic: '$share/x/try/a', qos: 1 }])
      const { client: other } = await broker.login(5)
      await other.subscribe([{ topic: 'try/#', qos: 1 }])
      const { client: publisher } = await broker.login(5)
      const publish = async (payload: string) => {
        publisher.send({ ...publication, qos: 1, messageId: 1, payload })
        await publisher.next('puback')
        const { messageId = 0, ...message } = await other.next('publish')
        other.send({ cmd: 'puback', messageId })
        assert.equal(String(message.payload), payload)
      }
      for (const payload of ['1', '2', '3']) await publish(payload)
      assert.equal((await client.settled()).length, 1)
      await publish('4')
      assert.equal(reasonOf((await client.ended()).at(-1)), 0x97)
      const gone = broker.lines.find(({ msg, clientId }) => msg === 'disconnected' && clientId === 'silent')
      assert.equal(gone?.reason, 'does not read')
    })
  }
})
