import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type Agent, request } from 'node:https'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import mqtt from 'mqtt'
import { generate } from 'mqtt-packet'
import {
  adminCertificate,
  authority,
  connectPacket,
  password,
  proxyCertificate,
  publication,
  refusalOf,
  startTestBroker,
  type TestBroker,
  withCertificate,
} from './test-support.ts'

const timeout = 20_000
const asProxy = withCertificate(proxyCertificate)
const right = { username: 'try', password, reconnectPeriod: 0 }

interface Handshake {
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly tls?: object
}

/** Asks for a WebSocket as nginx does, and gives the HTTP status with the raw connection. */
async function handshake({ ports }: TestBroker, { path = '/mqtt/', headers, tls = asProxy }: Handshake = {}) {
  const asked = request({
    ...tls,
    host: 'localhost',
    port: ports.wss,
    path,
    agent: false as unknown as Agent,
    headers: Object.fromEntries(
      Object.entries({
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        'sec-websocket-protocol': 'mqtt',
        'x-forwarded-for': '192.0.2.1',
        ...headers,
      }).filter(([, value]) => value !== undefined),
    ),
  })
  asked.end()
  const answered = Promise.race([once(asked, 'response'), once(asked, 'upgrade')])
  const [response, socket] = (await answered) as [{ statusCode: number; headers: Record<string, string> }, Duplex?]
  asked.on('error', () => {})
  socket?.on('error', () => {})
  if (!socket) asked.destroy()
  return { status: response.statusCode, protocol: response.headers['sec-websocket-protocol'], socket }
}

/** One masked frame, as clients send them (RFC 6455, 5.2); the mask is zero, so the payload stays readable. */
function frame(opcode: number, payload: Buffer, length = payload.length): Buffer {
  const header = Buffer.alloc(14)
  header[0] = 0x80 | opcode
  header[1] = 0xff
  header.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([header, payload])
}

describe('7443', { timeout }, () => {
  for (const protocolVersion of [4, 5] as const) {
    test(`lets clients talk through the proxy, MQTT ${protocolVersion}`, async (t) => {
      const broker = await startTestBroker(t)
      const url = `wss://localhost:${broker.ports.wss}/mqtt/`
      const wsOptions = { ...asProxy, headers: { 'x-forwarded-for': '2001:db8::1' } }
      const client = await mqtt.connectAsync(url, { ...right, protocolVersion, wsOptions })
      t.after(() => client.endAsync(true))
      await client.subscribeAsync('try/#', { qos: 2 })
      const message = new Promise<Buffer>((resolve) => client.once('message', (_topic, payload) => resolve(payload)))
      await client.publishAsync('try/a', Buffer.alloc(100_000, 7), { qos: 2 })
      assert.deepEqual(await message, Buffer.alloc(100_000, 7))
      const line = broker.lines.find(({ msg }) => msg === 'connected')
      assert.deepEqual([line?.door, line?.address, line?.username], ['wss', '2001:db8::1', 'try'])
      const asAdmin = { ...right, username: 'admin', protocolVersion, wsOptions }
      assert.equal(await refusalOf(url, asAdmin), protocolVersion === 5 ? 0x86 : 4)
      assert.equal(await refusalOf(url, { protocolVersion, wsOptions }), protocolVersion === 5 ? 0x87 : 5)
    })
  }

  test('speaks mqtt at /mqtt/ and nothing else', async (t) => {
    const broker = await startTestBroker(t)
    const good = await handshake(broker)
    assert.deepEqual([good.status, good.protocol], [101, 'mqtt'])
    assert.equal((await handshake(broker, { headers: { 'sec-websocket-protocol': 'soap, mqtt' } })).protocol, 'mqtt')
    for (const path of ['/mqtt', '/', '/mqtt/x', '/MQTT/', '//mqtt/']) {
      assert.equal((await handshake(broker, { path })).status, 400, path)
    }
    for (const offered of [undefined, '', 'soap', 'mqttv3.1', 'xmqtt']) {
      assert.equal((await handshake(broker, { headers: { 'sec-websocket-protocol': offered } })).status, 400, offered)
    }
    const plain = await handshake(broker, { headers: { upgrade: undefined, connection: undefined } })
    assert.equal(plain.status, 404)
  })

  test('wants one address of the client from the proxy', async (t) => {
    const broker = await startTestBroker(t)
    for (const address of [undefined, '', 'localhost', '192.0.2.1, 192.0.2.2', '192.0.2', '1']) {
      assert.equal((await handshake(broker, { headers: { 'x-forwarded-for': address } })).status, 400, address)
    }
  })

  test("accepts the proxy's certificate only", async (t) => {
    const broker = await startTestBroker(t)
    const twin = await authority.issue({ commonName: 'skerry-proxy', purposes: ['clientAuth'] })
    for (const tls of [{ ca: authority.authorities }, withCertificate(adminCertificate), withCertificate(twin)]) {
      await assert.rejects(handshake(broker, { tls }))
    }
    assert.equal(broker.lines.filter(({ msg }) => msg === 'refused').length, 3)
    assert.equal((await handshake(broker)).status, 101)
  })

  test('bounds the clients of one address that have not logged in', async (t) => {
    const broker = await startTestBroker(t, { waitingConnectionsPerAddress: 1 })
    assert.equal((await handshake(broker)).status, 101)
    assert.equal((await handshake(broker)).status, 503)
    const other = await handshake(broker, { headers: { 'x-forwarded-for': '192.0.2.2' } })
    assert.equal(other.status, 101)
  })

  test('ends connections with frames that are too large or text', async (t) => {
    const broker = await startTestBroker(t, { frameSize: 2_000, closeTimeout: 50, connectTimeout: 60_000 })
    const hello = generate({ ...connectPacket(4), username: 'try', password: Buffer.from(password) })
    for (const bytes of [
      frame(2, Buffer.alloc(0), 2_001),
      frame(2, Buffer.alloc(0), 2 ** 40),
      frame(1, Buffer.from('text')),
      // Proper MQTT, but as text.
      Buffer.concat([frame(2, hello), frame(1, generate({ ...publication, payload: 'text' }))]),
    ]) {
      const { socket } = await handshake(broker)
      assert.ok(socket)
      socket.resume()
      socket.write(bytes)
      await once(socket, 'end')
      socket.destroy()
    }
    const { socket } = await handshake(broker)
    assert.ok(socket)
    socket.write(frame(2, hello))
    const [answer] = await once(socket, 'data')
    assert.deepEqual([...answer], [0x82, 4, 0x20, 2, 0, 0])
    socket.destroy()
  })

  test('stops reading from a client that sends more than is taken', async (t) => {
    const broker = await startTestBroker(t, { passwordChecks: 1, unreadBytes: 16 * 1024 })
    const { socket } = await handshake(broker)
    assert.ok(socket)
    const hello = generate({ ...connectPacket(4), username: 'try', password: Buffer.from(password) })
    // While others are before it in the queue of password checks, nothing of what follows its login is taken.
    const before = Array.from({ length: 9 }, () =>
      refusalOf(`mqtt://127.0.0.1:${broker.ports.mqtt}`, { ...right, password: 'x' }),
    )
    await broker.logged('refused')
    socket.write(frame(2, hello))
    const message = frame(2, generate({ ...publication, payload: Buffer.alloc(1_000) }))
    for (let sent = 0; sent < 20_000; sent++) socket.write(message)
    const drained = once(socket, 'drain').then(() => 'everything was taken')
    const admitted = broker.logged('connected').then(() => 'held back until it was logged in')
    assert.equal(await Promise.race([drained, admitted]), 'held back until it was logged in')
    await Promise.all(before)
    // Once it is logged in, everything is read and nothing is lost.
    socket.write(frame(2, generate({ cmd: 'pingreq' })))
    let tail = Buffer.alloc(0)
    for await (const bytes of socket) {
      tail = Buffer.concat([tail, bytes]).subarray(-2)
      if (tail.equals(Buffer.from([0xd0, 0]))) break
    }
    assert.deepEqual([...tail], [0xd0, 0])
  })
})
