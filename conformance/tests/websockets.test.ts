import assert from 'node:assert/strict'
import { generate } from 'mqtt-packet'
import { openWebSocket, statement } from '../suite.ts'

const both = (id: string) => ({ 4: id, 5: id })

statement(
  both('MQTT-6.0.0-1'),
  'sends binary frames only',
  async (scene) => {
    const { wire, socket, login } = await openWebSocket(scene)
    const kinds: unknown[] = []
    socket.on('message', (_data: unknown, isBinary: boolean) => kinds.push(isBinary))
    wire.send(login)
    await wire.expect('connack')
    await wire.quiet()
    assert.deepEqual(kinds, [true, true])
  },
  { ours: true },
)

statement(
  both('MQTT-6.0.0-1'),
  'closes on a text frame, and does nothing of what is in it',
  async (scene) => {
    const { wire, socket, login } = await openWebSocket(scene)
    wire.send(login)
    await wire.expect('connack')
    // PINGREQ, but as text.
    socket.send(Buffer.from('c000', 'hex').toString('latin1'))
    await wire.closedSilently()
  },
  { ours: true },
)

statement(
  both('MQTT-6.0.0-2'),
  'understands packets that are split over frames, byte by byte',
  async (scene) => {
    const { wire, login } = await openWebSocket(scene)
    for (const byte of generate(login, { protocolVersion: scene.version })) wire.send(Buffer.of(byte))
    await wire.expect('connack')
    for (const byte of [0xc0, 0x00]) wire.send(Buffer.of(byte))
    await wire.expect('pingresp')
  },
  { ours: true },
)

statement(
  both('MQTT-6.0.0-2'),
  'understands several packets in one frame, the last of them cut',
  async (scene) => {
    const { wire, login } = await openWebSocket(scene)
    wire.send(login)
    await wire.expect('connack')
    wire.send('c000 c000 c0')
    await wire.expect('pingresp')
    await wire.expect('pingresp')
    wire.send('00')
    await wire.expect('pingresp')
  },
  { ours: true },
)

statement(
  both('MQTT-6.0.0-4'),
  'selects the sub-protocol mqtt',
  async (scene) => {
    const { socket } = await openWebSocket(scene)
    assert.equal(socket.protocol, 'mqtt')
  },
  { ours: true },
)
