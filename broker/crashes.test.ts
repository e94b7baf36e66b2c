import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { generate, type Packet } from 'mqtt-packet'
import {
  adminCertificate,
  connect,
  connectPacket,
  publication,
  RawClient,
  startTestBroker,
  type TestBroker,
} from './test-support.ts'

const timeout = 20_000
const versions = [4, 5] as const
const namesOfObjects = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']

/** A bystander, and the proof that it still gets its messages after the others have done their worst. */
async function witness(t: TestContext, broker: TestBroker): Promise<() => Promise<void>> {
  const client = await connect(t, broker)
  await client.subscribeAsync('try/witness', { qos: 1 })
  return async () => {
    const message = new Promise<[string, Buffer]>((resolve) => {
      client.once('message', (topic, payload) => resolve([topic, payload]))
    })
    await client.publishAsync('try/witness', 'still here', { qos: 1 })
    const [topic, payload] = await message
    assert.equal(`${topic} ${payload}`, 'try/witness still here')
    // And somebody new can still come.
    await (await connect(t, broker)).endAsync()
  }
}

for (const version of versions) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: what ends the process in plain aedes ends nothing`, {
    timeout,
  }, () => {
    for (const name of namesOfObjects) {
      test(`client id ${name}`, async (t) => {
        const broker = await startTestBroker(t)
        const check = await witness(t, broker)
        const client = await RawClient.login(t, broker, version, { clientId: name })
        client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/a', qos: 1 }] })
        assert.deepEqual((await client.next('suback')).granted, [1])
        client.send({ ...publication, payload: 'x' })
        assert.equal(String((await client.next('publish')).payload), 'x')
        client.stream.end()
        await client.ended()
        await check()
      })

      test(`subscription to ${name}`, async (t) => {
        const broker = await startTestBroker(t)
        const check = await witness(t, broker)
        const client = await RawClient.login(t, broker, version)
        client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: name, qos: 1 }] })
        client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [name] })
        client.send({
          cmd: 'subscribe',
          messageId: 3,
          subscriptions: [`try/${name}`, name].map((topic) => ({ topic, qos: 1 })),
        })
        client.send({ cmd: 'pingreq' })
        await client.next('pingresp')
        await check()
      })

      test(`a stored session, a topic and a retained message called ${name}`, async (t) => {
        const broker = await startTestBroker(t)
        const session = { clientId: name, clean: false, properties: { sessionExpiryInterval: 60 } }
        const client = await RawClient.login(t, broker, version, session, adminCertificate)
        const subscriptions = [name, `${name}/${name}`].map((topic) => ({ topic, qos: 2 as const }))
        client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
        assert.deepEqual((await client.next('suback')).granted, [2, 2])
        client.stream.end()
        await client.ended()
        const publisher = await RawClient.login(t, broker, version, {}, adminCertificate)
        publisher.send({ ...publication, topic: name, qos: 2, messageId: 1, retain: true, payload: 'x' })
        await publisher.next('pubrec')
        const back = await RawClient.openTls(t, broker, version, adminCertificate)
        back.send(connectPacket(version, session))
        assert.equal((await back.next('connack')).sessionPresent, true)
        assert.equal((await back.next('publish')).topic, name)
        publisher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `+/#`, qos: 0 }] })
        assert.equal((await publisher.next('publish')).topic, name)
      })
    }

    test('a second PUBREL', async (t) => {
      const broker = await startTestBroker(t)
      const check = await witness(t, broker)
      const client = await RawClient.login(t, broker, version)
      client.send({ ...publication, qos: 2, messageId: 1 })
      await client.next('pubrec')
      const release = { cmd: 'pubrel', messageId: 1 } as const
      client.send(release, release, release)
      await client.next('pubcomp')
      await client.next('pubcomp')
      await client.next('pubcomp')
      await check()
    })

    test('acknowledgements of what was never sent', async (t) => {
      const broker = await startTestBroker(t)
      const check = await witness(t, broker)
      const client = await RawClient.login(t, broker, version, { clean: false, clientId: 'late' })
      for (const cmd of ['puback', 'pubrec', 'pubcomp', 'pubrel'] as const) client.send({ cmd, messageId: 9 })
      client.send({ cmd: 'pingreq' })
      await client.next('pingresp')
      await check()
    })

    test('a topic of too many levels, and one of the longest that are allowed', async (t) => {
      const broker = await startTestBroker(t)
      const check = await witness(t, broker)
      const client = await RawClient.login(t, broker, version)
      const longest = `try${'/a'.repeat(31)}`
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: longest, qos: 0 }] })
      assert.deepEqual((await client.next('suback')).granted, [0])
      client.send({ ...publication, topic: longest })
      assert.equal((await client.next('publish')).topic, longest)
      client.send({ ...publication, topic: `${longest}/a` })
      await client.ended()
      await check()
    })

    test('bytes that are no packets', async (t) => {
      const broker = await startTestBroker(t)
      const check = await witness(t, broker)
      const garbage = [
        [0x00, 0x00],
        [0xf0, 0x00],
        [0x10, 0x00],
        [0x10, 0xff, 0xff, 0xff, 0xff, 0xff],
        [0x10, 0x02, 0x00, 0x04],
        [0x30, 0x00],
        [0x82, 0x00],
        [0x16, 0x03, 0x01, 0x00, 0xa5],
        [...Buffer.from('GET / HTTP/1.1\r\n\r\n')],
      ]
      for (const bytes of garbage) {
        const client = await RawClient.open(t, broker, version)
        client.stream.end(Buffer.from(bytes))
        assert.deepEqual(await client.ended(), [])
        const loggedIn = await RawClient.login(t, broker, version)
        loggedIn.stream.end(Buffer.from(bytes))
        await loggedIn.ended()
      }
      await check()
    })

    test('two CONNECTs', async (t) => {
      const broker = await startTestBroker(t)
      const check = await witness(t, broker)
      const client = await RawClient.openTls(t, broker, version)
      client.send(connectPacket(version), connectPacket(version))
      await client.ended()
      await check()
    })
  })
}

/** A v5 packet made of a first byte, what comes before its properties, the properties and what follows them. */
function withProperties(first: number, before: Buffer, properties: readonly number[], after = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([before, Buffer.from([properties.length, ...properties]), after])
  return Buffer.concat([Buffer.from([first, body.length]), body])
}

const text = (value: string) => Buffer.from([0, value.length, ...Buffer.from(value)])
const connectStart = Buffer.concat([text('MQTT'), Buffer.from([5, 2, 0, 60])])
const connectEnd = text('')
const expiry = [0x11, 0, 0, 0, 9]

describe('MQTT 5: properties that are not what they should be', { timeout }, () => {
  test('a session expiry interval that comes twice', async (t) => {
    const broker = await startTestBroker(t)
    const check = await witness(t, broker)
    const client = await RawClient.openTls(t, broker)
    client.stream.write(withProperties(0x10, connectStart, [...expiry, ...expiry], connectEnd))
    await client.ended()
    const later = await RawClient.login(t, broker)
    later.stream.write(withProperties(0xe0, Buffer.from([0]), [...expiry, ...expiry]))
    await later.ended()
    await check()
  })

  const cases: [string, readonly number[]][] = [
    ['a content type that comes twice', [0x03, 0, 1, 0x61, 0x03, 0, 1, 0x62]],
    ['a content type longer than the packet', [0x03, 0xff, 0xff]],
    ['a user property without a value', [0x26, 0, 1, 0x61]],
    ['a will delay', [0x18, 0, 0, 0, 9]],
    ['a subscription identifier', [0x0b, 5]],
    ['a property that does not exist', [0x7f, 1]],
  ]
  for (const [name, properties] of cases) {
    test(`a PUBLISH with ${name} ends its own connection, not the subscribers'`, async (t) => {
      const broker = await startTestBroker(t)
      const check = await witness(t, broker)
      const client = await RawClient.login(t, broker)
      client.stream.write(withProperties(0x30, text('try/witness'), properties))
      await client.ended()
      await check()
    })
  }

  test('proper ones arrive', async (t) => {
    const broker = await startTestBroker(t)
    const client = await RawClient.login(t, broker)
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 0 }] })
    await client.next('suback')
    const properties = {
      payloadFormatIndicator: true,
      responseTopic: 'try/answer',
      correlationData: Buffer.from('7'),
      contentType: 'text/plain',
      userProperties: { __proto__x: '1', many: ['a', 'b'] },
    }
    client.send({ ...publication, payload: 'x', properties })
    const received = (await client.next('publish')).properties
    assert.equal(received?.contentType, 'text/plain')
    assert.deepEqual({ ...received?.userProperties }, properties.userProperties)
  })
})

describe('packets that were changed on their way', { timeout: 60_000 }, () => {
  for (const version of versions) {
    test(`MQTT ${version === 4 ? '3.1.1' : '5'}`, async (t) => {
      const broker = await startTestBroker(t)
      const check = await witness(t, broker)
      const will = { topic: 'try/will', payload: Buffer.from('x'), qos: 1 as const, retain: true }
      const filters = [{ topic: 'try/#', qos: 2 as const }]
      const packets: Packet[] = [
        connectPacket(version, { clientId: 'changed', clean: false, keepalive: 1, will }),
        { cmd: 'subscribe', messageId: 1, subscriptions: filters },
        { ...publication, qos: 1, messageId: 2, retain: true, payload: 'x' },
        { ...publication, qos: 2, messageId: 3, payload: 'x' },
        { cmd: 'pubrel', messageId: 3 },
        { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['try/#'] },
        { cmd: 'disconnect' },
      ]
      const bytes = Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: version })))
      const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255))
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
          const changed = Buffer.from(bytes)
          for (const [at, value] of changes) changed[at] = value
          const client = await RawClient.openTls(t, broker, version)
          // What comes back may be of another version than the one that this client reads.
          client.stream.removeAllListeners('data').resume()
          client.stream.end(changed)
          await client.ended()
        }),
        { numRuns: 150 },
      )
      await check()
    })
  }
})
