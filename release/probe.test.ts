import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { Aedes } from 'aedes'
import { createAuthority } from '../broker/authority.ts'
import { probe } from './probe.ts'

const plain = (port: number, protocolVersion: 4 | 5 = 4) => ({
  name: 'test',
  url: `mqtt://127.0.0.1:${port}`,
  options: { protocolVersion, username: 'skerry-health', password: 'secret' },
})

for (const version of [4, 5] as const) {
  test(`a broker that brings the message back is healthy (protocol ${version})`, async (t) => {
    const broker = await startBroker(t)
    await probe(plain(await listen(t, createServer(broker.handle)), version), 'skerry-health')
  })
}

test('it asks for topics below its own only', async (t) => {
  const broker = await startBroker(t)
  const topics: string[] = []
  broker.authorizeSubscribe = (_client, subscription, done) => {
    topics.push(subscription.topic)
    done(null, subscription)
  }
  await probe(plain(await listen(t, createServer(broker.handle))), 'skerry-health')
  assert.match(topics.join(), /^skerry-health\/[0-9a-f-]{36}$/)
})

test('mutual TLS: a certificate of the authority passes, a broker of another authority does not', async (t) => {
  const broker = await startBroker(t)
  const [authority, stranger] = [await createAuthority(), await createAuthority()]
  const server = await authority.issue({ commonName: 'b', purposes: ['serverAuth'], addresses: ['127.0.0.1'] })
  const client = await authority.issue({ commonName: 'skerry-health', purposes: ['clientAuth'] })
  const tls = { cert: server.certificate, key: server.privateKey, ca: authority.authorities, requestCert: true }
  const url = `mqtts://127.0.0.1:${await listen(t, createTlsServer(tls, broker.handle))}`
  const options = { cert: client.certificate, key: client.privateKey, ca: authority.authorities }
  await probe({ name: 'tls', url, options }, 'skerry-health')
  await assert.rejects(
    probe({ name: 'tls', url, options: { ...options, ca: stranger.authorities } }, 'x'),
    /certificate/,
  )
})

test('a refused login is unhealthy', async (t) => {
  const broker = await startBroker(t)
  broker.authenticate = (_client, _username, _password, done) => done(null, false)
  await assert.rejects(probe(plain(await listen(t, createServer(broker.handle))), 'x'), /Connection refused/)
})

test('a refused subscription is unhealthy', async (t) => {
  const broker = await startBroker(t)
  broker.authorizeSubscribe = (_client, _subscription, done) => done(null, null)
  await assert.rejects(probe(plain(await listen(t, createServer(broker.handle))), 'x'), /[Ss]ub/)
})

test('a message that never comes back is unhealthy', async (t) => {
  const broker = await startBroker(t)
  broker.authorizeForward = () => null
  await assert.rejects(probe(plain(await listen(t, createServer(broker.handle))), 'x'), /did not come back/)
})

test('a port that accepts and says nothing is unhealthy', async (t) => {
  await assert.rejects(
    probe(
      plain(
        await listen(
          t,
          createServer(() => {}),
        ),
      ),
      'x',
    ),
    /connack/i,
  )
})

test('a closed port is unhealthy', async (t) => {
  const server = createServer()
  const port = await listen(t, server)
  server.close()
  await once(server, 'close')
  await assert.rejects(probe(plain(port), 'x'), /ECONNREFUSED/)
})

async function startBroker(t: TestContext): Promise<Aedes> {
  const broker = await Aedes.createBroker()
  t.after(() => new Promise<void>((done) => broker.close(done)))
  return broker
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
