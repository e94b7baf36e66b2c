import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import mqtt from 'mqtt'
import { createAuthority } from './authority.ts'
import {
  adminCertificate,
  authority,
  brokerCertificate,
  connect,
  connectPacket,
  otherCertificate,
  password,
  proxyCertificate,
  RawClient,
  refusalOf,
  startTestBroker,
  tryCertificate,
  withCertificate,
} from './test-support.ts'

const timeout = 30_000
const versions = [4, 5] as const

for (const protocolVersion of versions) {
  const badUsernameOrPassword = protocolVersion === 5 ? 0x86 : 4
  const notAuthorized = protocolVersion === 5 ? 0x87 : 5
  const identifierRejected = protocolVersion === 5 ? 0x85 : 2

  describe(`MQTT ${protocolVersion}: a login with a password`, { timeout }, () => {
    for (const door of ['mqtt', 'ws'] as const) {
      test(`over ${door}`, async (t) => {
        const broker = await startTestBroker(t)
        const url = `${door}://127.0.0.1:${broker.ports[door]}${door === 'ws' ? '/mqtt/' : ''}`
        const client = await mqtt.connectAsync(url, { username: 'try', password, protocolVersion, reconnectPeriod: 0 })
        await client.endAsync()
        for (const username of ['try', 'nobody', 'admin', '__proto__', 'toString', '', 'try/a']) {
          const code = await refusalOf(url, { username, password: 'wrong', protocolVersion })
          assert.equal(code, badUsernameOrPassword, username)
        }
      })
    }

    test('is refused without a name or a password', async (t) => {
      const broker = await startTestBroker(t, { failedLogins: 1 })
      const url = `mqtt://127.0.0.1:${broker.ports.mqtt}`
      assert.equal(await refusalOf(url, { protocolVersion }), notAuthorized)
      assert.equal(await refusalOf(url, { username: 'try', protocolVersion }), notAuthorized)
      const client = await mqtt.connectAsync(url, { username: 'try', password, protocolVersion, reconnectPeriod: 0 })
      await client.endAsync()
    })

    test('is refused to an administrator, whatever the password', async (t) => {
      const broker = await startTestBroker(t, { failedLogins: 100 })
      for (const secret of [password, '']) {
        const url = `mqtt://127.0.0.1:${broker.ports.mqtt}`
        const code = await refusalOf(url, { username: 'admin', password: secret, protocolVersion })
        assert.equal(code, badUsernameOrPassword)
      }
    })

    test('is refused after too many wrong ones, even when it is right, and only there', async (t) => {
      const broker = await startTestBroker(t, { failedLogins: 3 })
      const url = `mqtt://127.0.0.1:${broker.ports.mqtt}`
      const right = { username: 'try', password, protocolVersion, reconnectPeriod: 0 }
      const wrong = { ...right, password: 'wrong' }
      for (let failed = 0; failed < 2; failed++) assert.equal(await refusalOf(url, wrong), badUsernameOrPassword)
      await (await mqtt.connectAsync(url, right)).endAsync()
      assert.equal(await refusalOf(url, wrong), badUsernameOrPassword)
      assert.equal(broker.lines.filter(({ msg }) => msg === 'locked').length, 1)
      assert.equal(await refusalOf(url, right), notAuthorized)
      assert.equal(await refusalOf(`ws://127.0.0.1:${broker.ports.ws}/mqtt/`, right), notAuthorized)
      // Another address, as the proxy states it.
      const viaProxy = { ...withCertificate(proxyCertificate), headers: { 'x-forwarded-for': '192.0.2.1' } }
      const wss = `wss://localhost:${broker.ports.wss}/mqtt/`
      await (await mqtt.connectAsync(wss, { ...right, wsOptions: viaProxy })).endAsync()
      // A certificate always gets in.
      await (await connect(t, broker, { protocolVersion })).endAsync()
    })

    test('is not checked any more once the address is locked, although it was waiting already', async (t) => {
      const broker = await startTestBroker(t, { failedLogins: 3, passwordChecks: 1 })
      const url = `mqtt://127.0.0.1:${broker.ports.mqtt}`
      const wrong = { username: 'try', password: 'wrong', protocolVersion }
      const codes = await Promise.all(Array.from({ length: 7 }, () => refusalOf(url, wrong)))
      assert.equal(codes.filter((code) => code === badUsernameOrPassword).length, 3)
      assert.equal(codes.filter((code) => code === notAuthorized).length, 4)
    })

    test('is put off while too many others are checked', async (t) => {
      const broker = await startTestBroker(t, { passwordChecks: 1, passwordChecksWaiting: 1 })
      const url = `mqtt://127.0.0.1:${broker.ports.mqtt}`
      const right = { username: 'try', password, protocolVersion }
      const codes = await Promise.allSettled([1, 2, 3, 4].map(() => refusalOf(url, right)))
      const refused = codes.filter(({ status }) => status === 'fulfilled')
      assert.deepEqual(
        refused,
        refused.map(() => ({ status: 'fulfilled', value: protocolVersion === 5 ? 0x88 : 3 })),
      )
      assert.ok(refused.length >= 1 && refused.length <= 2, `${refused.length} of 4 were put off`)
    })
  })

  describe(`MQTT ${protocolVersion}: a login with a certificate`, { timeout }, () => {
    test('is one as its common name', async (t) => {
      const broker = await startTestBroker(t)
      const client = await connect(t, broker, { protocolVersion })
      const [granted] = await client.subscribeAsync('try/#')
      assert.equal(granted?.qos, 0)
      assert.equal(broker.lines.find(({ msg }) => msg === 'connected')?.username, 'try')
    })

    test('takes the same username besides, and no other', async (t) => {
      const broker = await startTestBroker(t)
      await connect(t, broker, { username: 'try', protocolVersion })
      const url = `mqtts://localhost:${broker.ports.mqtts}`
      const asAdmin = { ...withCertificate(tryCertificate), username: 'admin', password, protocolVersion }
      assert.equal(await refusalOf(url, asAdmin), badUsernameOrPassword)
    })
  })

  describe(`MQTT ${protocolVersion}: a client id`, { timeout }, () => {
    test('in use by one user is refused to another, and taken over by the same', async (t) => {
      const broker = await startTestBroker(t)
      const first = await RawClient.login(t, broker, protocolVersion, { clientId: 'gateway' })
      const thief = await RawClient.openTls(t, broker, protocolVersion, otherCertificate)
      thief.send(connectPacket(protocolVersion, { clientId: 'gateway' }))
      const refusal = await thief.next('connack')
      assert.equal(protocolVersion === 5 ? refusal.reasonCode : refusal.returnCode, identifierRejected)
      first.send({ cmd: 'pingreq' })
      await first.next('pingresp')
      await RawClient.login(t, broker, protocolVersion, { clientId: 'gateway' })
      const last = (await first.ended()).at(-1)
      assert.equal(last?.cmd === 'disconnect' ? last.reasonCode : undefined, protocolVersion === 5 ? 0x8e : undefined)
    })

    test('of a stored session is refused to others, of an ended one is free', async (t) => {
      const broker = await startTestBroker(t)
      const properties = protocolVersion === 5 ? { sessionExpiryInterval: 60 } : {}
      const stored = { clientId: 'gateway', clean: false, properties }
      const first = await RawClient.login(t, broker, protocolVersion, stored)
      first.stream.end()
      await first.ended()
      const thief = await RawClient.openTls(t, broker, protocolVersion, otherCertificate)
      thief.send(connectPacket(protocolVersion, stored))
      const refusal = await thief.next('connack')
      assert.equal(protocolVersion === 5 ? refusal.reasonCode : refusal.returnCode, identifierRejected)
      const last = await RawClient.login(t, broker, protocolVersion, { clientId: 'gateway' })
      last.stream.end()
      await last.ended()
      const other = await RawClient.openTls(t, broker, protocolVersion, otherCertificate)
      other.send(connectPacket(protocolVersion, { clientId: 'gateway' }))
      const welcome = await other.next('connack')
      assert.equal(protocolVersion === 5 ? welcome.reasonCode : welcome.returnCode, 0)
    })

    test('may be as long as the limit and no longer', async (t) => {
      const broker = await startTestBroker(t, { clientIdLength: 30 })
      await RawClient.login(t, broker, protocolVersion, { clientId: 'a'.repeat(30) })
      const url = `mqtts://localhost:${broker.ports.mqtts}`
      const tooLong = { ...withCertificate(tryCertificate), clientId: 'a'.repeat(31), protocolVersion }
      assert.equal(await refusalOf(url, tooLong), identifierRejected)
    })
  })
}

describe('8883 refuses', { timeout }, () => {
  const stranger = createAuthority()
  const cases = {
    'no certificate': async () => ({ ca: authority.authorities }),
    'a certificate of another CA': async () => ({
      ...withCertificate(await (await stranger).issue({ commonName: 'admin', purposes: ['clientAuth'] })),
    }),
    'a certificate for servers only': async () => withCertificate(brokerCertificate),
    'a certificate for no named purpose': async () =>
      withCertificate(await authority.issue({ commonName: 'admin', purposes: [] })),
    'an expired certificate': async () =>
      withCertificate(await authority.issue({ commonName: 'admin', purposes: ['clientAuth'], days: -1 })),
    "the proxy's certificate": async () => withCertificate(proxyCertificate),
    'a common name that is no username': async () =>
      withCertificate(await authority.issue({ commonName: 'a/b', purposes: ['clientAuth'] })),
    'two common names': async () =>
      withCertificate(await authority.issue({ commonName: 'try,CN=admin', purposes: ['clientAuth'] })),
    'the wildcard as a name': async () =>
      withCertificate(await authority.issue({ commonName: '\\#', purposes: ['clientAuth'] })),
  }
  for (const [name, options] of Object.entries(cases)) {
    test(name, async (t) => {
      const broker = await startTestBroker(t)
      const socket = connectTls({ port: broker.ports.mqtts, host: 'localhost', ...(await options()) })
      t.after(() => void socket.destroy())
      const client = new RawClient(socket, 5)
      client.send(connectPacket(5, { username: 'try', password: Buffer.from(password) }))
      assert.deepEqual(await client.ended(), [])
      assert.equal(broker.lines.filter(({ msg }) => msg === 'refused').length, 1)
      // The others are still served.
      await connect(t, broker)
    })
  }
})

test('no session is resumed without its certificate being checked', { timeout }, async (t) => {
  const broker = await startTestBroker(t)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { port: broker.ports.mqtts, host: 'localhost', maxVersion, ...withCertificate(adminCertificate) }
    const first = connectTls(options)
    let session: Buffer | undefined
    first.on('session', (given) => {
      session = given
    })
    await once(first, 'secureConnect')
    new RawClient(first, 5).send(connectPacket(5))
    await once(first, 'data')
    first.destroy()
    const second = connectTls({ ...options, ...(session ? { session } : {}) })
    await once(second, 'secureConnect')
    assert.equal(second.isSessionReused(), false, maxVersion)
    second.destroy()
  }
})

test('no line of the log holds a password', { timeout }, async (t) => {
  const broker = await startTestBroker(t)
  const url = `mqtt://127.0.0.1:${broker.ports.mqtt}`
  await (await mqtt.connectAsync(url, { username: 'try', password, reconnectPeriod: 0 })).endAsync()
  await refusalOf(url, { username: 'try', password: 'wrong secret' })
  const text = JSON.stringify(broker.lines)
  assert.ok(broker.lines.length >= 2)
  assert.doesNotMatch(text, /correct horse|wrong secret|scrypt/)
})
