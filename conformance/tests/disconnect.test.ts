import assert from 'node:assert/strict'
import { connectBytes } from '../connect-bytes.ts'
import { closedBecause, each, lasting, packet, properties, refusedBecause, text } from '../exchanges.ts'
import type { Frame } from '../frames.ts'
import { type Scene, statement } from '../suite.ts'

statement(
  { 4: 'MQTT-3.14.1-1', 5: 'MQTT-3.14.1-1' },
  'closes on a DISCONNECT with reserved bits',
  async ({ login }) => {
    for (let flags = 1; flags < 16; flags++) {
      const wire = await login()
      wire.send(`e${flags.toString(16)}00`)
      await closedBecause(wire, 0x81)
    }
  },
)

statement({ 5: 'MQTT-3.14.0-1' }, 'sends no DISCONNECT before a CONNACK that lets the client in', async ({ open }) => {
  const early = { PINGREQ: 'c000', 'bad flags': 'c100', 'a CONNACK': '2003000000', 'type 0': '0000' }
  await each(early, async (bytes) => {
    const wire = await open()
    wire.send(bytes)
    await wire.closedSilently()
  })
  // After a CONNACK that refuses, neither; with more that is wrong behind it.
  const wire = await open()
  wire.send(connectBytes(5, { properties: properties(5, '15', text('method')) }), 'c000')
  await refusedBecause(wire, 0x8c)
})

/** All ways in which the broker itself ends a connection, and what it sends then. */
async function endings({ login, clientId }: Scene): Promise<Readonly<Record<string, readonly Frame[]>>> {
  const after = async (bytes: string) => {
    const wire = await login()
    wire.send(bytes, 'c000')
    return wire.closed()
  }
  const older = await login({ clientId: clientId() })
  await login({ clientId: clientId() })
  return {
    malformed: await after('c100'),
    'a second CONNECT': await after(connectBytes(5)),
    'a server packet': await after('d000'),
    'AUTH without a method': await after('f000'),
    'topic alias 0': await after(packet('30', text('t'), properties(5, '230000'))),
    'a wildcard in a topic': await after(packet('30', text('t/#'), properties(5))),
    'taken over': await older.closed(),
    'silent too long': await (await login({ keepalive: 1 })).closed(),
  }
}

/** MQTT 5, table 3-10: the reasons that a server may give. */
const reasons = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
  0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
]

statement(
  { 5: ['MQTT-3.14.2-1', 'MQTT-3.14.2-2', 'MQTT-3.14.4-1', 'MQTT-3.14.4-2'] },
  'takes leave with one DISCONNECT that has a reason there is and no session expiry, sends nothing more, and closes',
  async (scene) => {
    await each(await endings(scene), async (frames) => {
      assert.deepEqual(
        frames.map(({ packet: last }) => last.cmd),
        ['disconnect'],
      )
      for (const { packet: last, properties: said } of frames) {
        assert.ok(last.cmd === 'disconnect' && reasons.includes(last.reasonCode ?? 0) && last.reasonCode !== 0)
        assert.ok(said.every(({ name }) => name !== 'Session Expiry Interval'))
      }
    })
  },
)

statement(
  { 5: 'MQTT-3.14.2-1' },
  'takes the reasons that clients may give, and closes on others as well',
  async ({ login }) => {
    for (const reason of ['00', '04', '80', '81', '82', '83', '90', '93', '94', '95', '96', '97', '98', '99']) {
      const wire = await login()
      wire.send(`e001${reason}`)
      await wire.closedSilently()
    }
    for (const reason of ['01', '05', '7f', 'ff']) {
      const wire = await login()
      wire.send(`e001${reason}`)
      await closedBecause(wire, 0x81, 0x82)
    }
  },
)

statement(
  { 5: ['MQTT-3.14.2-3', 'MQTT-3.14.2-4'] },
  'leaves out of DISCONNECT what would make it larger than the client takes',
  async ({ login }) => {
    // A DISCONNECT with a reason and nothing else, but the length of its properties.
    for (const maximumPacketSize of [64, 5, 4]) {
      // The CONNACK is larger: below its size nobody gets in.
      const wire = await login({ properties: { maximumPacketSize } }).catch(() => undefined)
      if (!wire) continue
      wire.send('c100')
      for (const { bytes } of await wire.closed()) assert.ok(bytes.length <= maximumPacketSize)
    }
  },
)

statement({ 5: 'MQTT-4.13.1-1' }, 'closes on a session expiry interval that comes too late', async ({ login }) => {
  const wire = await login()
  wire.send(packet('e0', '00', properties(5, '1100000001')))
  await closedBecause(wire, 0x82)
})

statement(
  { 5: 'MQTT-3.14.4-2' },
  'closes when the client takes leave, without an answer',
  async ({ login, clientId }) => {
    for (const form of ['e000', 'e00100', 'e0020000', packet('e0', '00', properties(5, '1100000000'))]) {
      const wire = await login(lasting(5, clientId()))
      wire.send(form, 'c000')
      await wire.closedSilently()
    }
  },
)
