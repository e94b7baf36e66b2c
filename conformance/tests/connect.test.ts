import assert from 'node:assert/strict'
import { type ConnectFields, connectBytes } from '../connect-bytes.ts'
import {
  closedBecause,
  each,
  lasting,
  packet,
  properties,
  publish,
  receiveAll,
  refusedBecause,
  subscribe,
  text,
} from '../exchanges.ts'
import { statement } from '../suite.ts'

const both = (id: string) => ({ 4: id, 5: id })

statement(
  both('MQTT-3.1.0-2'),
  'closes on a second CONNECT, and does nothing of it',
  async ({ clientId, login, version }) => {
    const bystander = await login({ clientId: clientId('b') })
    const wire = await login({ clientId: clientId('a') })
    wire.send({ cmd: 'connect', clientId: clientId('b'), clean: true, protocolId: 'MQTT', protocolVersion: version })
    await closedBecause(wire, 0x82)
    await bystander.quiet()
  },
)

statement(both('MQTT-3.1.2-1'), 'serves nobody who asks for another protocol', async ({ open, version }) => {
  const names = {
    other: text('MQTX'),
    'in small letters': text('mqtt'),
    'with more behind it': text('MQTTx'),
    empty: text(''),
    'of MQTT 3.1': text('MQIsdp'),
  }
  await each(names, async (name) => {
    const wire = await open()
    wire.send(connectBytes(version, { name }), 'c000')
    for (const { packet: answer } of await wire.closed()) {
      assert.ok(answer.cmd === 'connack', `${answer.cmd} came`)
      assert.notEqual(answer.reasonCode ?? answer.returnCode, 0)
    }
  })
})

const levels = { 0: '00', 1: '01', 2: '02', 3: '03', 6: '06', 127: '7f', '4 and the highest bit': '84', 255: 'ff' }

statement({ 4: 'MQTT-3.1.2-2' }, 'answers other protocol levels with code 1, and closes', async ({ open }) => {
  await each(levels, async (level) => {
    const wire = await open()
    wire.send(connectBytes(4, { level }), 'c000')
    assert.deepEqual(
      (await wire.closed()).map(({ bytes }) => bytes.toString('hex')),
      ['20020001'],
    )
  })
})

statement({ 5: 'MQTT-3.1.2-2' }, 'closes on other protocol levels, without serving them', async ({ open }) => {
  await each({ ...levels, '5 and the highest bit': '85' }, async (level) => {
    const wire = await open()
    wire.send(connectBytes(5, { level }), 'c000')
    // An answer in the form of MQTT 3.1.1 is good: there it is a MUST.
    const raw: Buffer[] = []
    wire.stream.on('data', (bytes: Buffer) => raw.push(bytes))
    await wire.closed().catch(() => {})
    assert.ok(['20020001', '2003008400', ''].includes(Buffer.concat(raw).toString('hex')))
  })
})

statement(both('MQTT-3.1.2-3'), 'refuses a CONNECT with its reserved flag', async ({ open, version }) => {
  const wire = await open()
  wire.send(connectBytes(version, { flags: '03' }))
  await refusedBecause(wire, 0x81)
})

/** Everything else that makes a CONNECT none, in both versions. */
function wrongFields(version: 4 | 5): Readonly<Record<string, ConnectFields>> {
  const noProperties = properties(version)
  const common: Record<string, ConnectFields> = {
    'a will of QoS 3': { flags: '1e', rest: `${noProperties}${text('t')}${text('')}` },
    'a will QoS without a will': { flags: '0a' },
    'a will to retain without a will': { flags: '22' },
    'a will flag without a will': { flags: '06' },
    'a will without a payload': { flags: '06', rest: `${noProperties}${text('t')}` },
    'a will for an empty topic': { flags: '06', rest: `${noProperties}${text('')}${text('')}` },
    'a will for a topic with a wildcard': { flags: '06', rest: `${noProperties}${text('t/#')}${text('')}` },
    'a will without its flag': { flags: '02', rest: `${noProperties}${text('t')}${text('')}` },
    'a user name flag without a user name': { flags: '82' },
    'a user name without its flag': { flags: '02', rest: text('admin') },
    'a password flag without a password': { flags: 'c2', rest: text('admin') },
    'a password without its flag': { flags: '82', rest: `${text('admin')}${text('secret')}` },
    'bytes after its end': { rest: '00' },
    'no client identifier': { clientId: '' },
    'a client identifier that is longer than the packet': { clientId: '0005 6162' },
  }
  if (version === 4) {
    return { ...common, 'a password without a user name': { flags: '42', rest: text('secret') } }
  }
  return {
    ...common,
    'properties that are longer than the packet': { properties: '7f' },
    'properties that end within one': { properties: '02 1100', clientId: text('') },
    'a property that there is not': { properties: properties(5, '7e00') },
    'a property of other packets': { properties: properties(5, '230001') },
    'a property of a PUBLISH in its will': { flags: '06', rest: `${properties(5, '230001')}${text('t')}${text('')}` },
    'a property that is cut': { properties: properties(5, '1100') },
  }
}

/** Each value of the right form, but not of the right meaning (MQTT 5, 3.1.2.11 and 3.1.3.2). */
const wrongProperties: Readonly<Record<string, ConnectFields>> = {
  'a session expiry interval twice': { properties: properties(5, '1100000001 1100000001') },
  'a receive maximum twice': { properties: properties(5, '210001 210001') },
  'a receive maximum of 0': { properties: properties(5, '210000') },
  'a maximum packet size twice': { properties: properties(5, '2700001000 2700001000') },
  'a maximum packet size of 0': { properties: properties(5, '2700000000') },
  'a topic alias maximum twice': { properties: properties(5, '220001 220001') },
  'a request of response information of 2': { properties: properties(5, '1902') },
  'a request of response information twice': { properties: properties(5, '1901 1901') },
  'a request of problem information of 2': { properties: properties(5, '1702') },
  'a request of problem information twice': { properties: properties(5, '1701 1701') },
  'authentication data without a method': { properties: properties(5, '16', text('x')) },
  'a payload format of 2 in its will': { flags: '06', rest: `${properties(5, '0102')}${text('t')}${text('')}` },
  'a will delay twice': { flags: '06', rest: `${properties(5, '1800000001 1800000001')}${text('t')}${text('')}` },
  'a response topic with a wildcard': { flags: '06', rest: `${properties(5, '08', text('#'))}${text('t')}${text('')}` },
}

for (const version of [4, 5] as const) {
  statement({ [version]: 'MQTT-3.1.4-1' }, 'refuses a CONNECT that breaks its format', async ({ open }) => {
    await each({ ...wrongFields(version), ...(version === 5 ? wrongProperties : {}) }, async (fields) => {
      const wire = await open()
      wire.send(connectBytes(version, fields), 'c000')
      await refusedBecause(wire, 0x81, 0x82)
    })
  })
}

statement(
  { 5: 'MQTT-4.13.1-1' },
  'tells what is malformed from what breaks the protocol in a CONNECT',
  async ({ open }) => {
    await each(wrongProperties, async (fields) => {
      const wire = await open()
      wire.send(connectBytes(5, fields))
      await refusedBecause(wire, 0x82)
    })
  },
)

statement(both('MQTT-3.1.4-1'), 'closes when something else than CONNECT comes first', async ({ open, version }) => {
  const first = {
    PINGREQ: 'c000',
    PUBLISH: packet('30', text('t'), properties(version)),
    SUBSCRIBE: packet('82', '0001', properties(version), text('t'), '00'),
    UNSUBSCRIBE: packet('a2', '0001', properties(version), text('t')),
    PUBREL: '62020001',
    DISCONNECT: 'e000',
    AUTH: 'f000',
    'an HTTP request': Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex'),
  }
  await each(first, async (bytes) => {
    const wire = await open()
    wire.send(bytes, connectBytes(version))
    await wire.closedSilently()
  })
})

statement(
  { 4: 'MQTT-3.1.4-2', 5: 'MQTT-3.1.4-3' },
  'closes the older connection when another one takes its client identifier',
  async ({ clientId, login }) => {
    const older = await login({ clientId: clientId() })
    const newer = await login({ clientId: clientId() })
    await closedBecause(older, 0x8e)
    await newer.quiet()
  },
)

statement(
  { 4: ['MQTT-3.1.4-4', 'MQTT-3.2.0-1', 'MQTT-3.2.2-1'], 5: ['MQTT-3.1.4-5', 'MQTT-3.2.0-1', 'MQTT-3.2.2-1'] },
  'answers a good CONNECT with CONNACK 0 before anything else, even to packets that come with it',
  async ({ open, version, topic }) => {
    const wire = await open()
    const retained = packet('31', text(topic), properties(version), '78')
    wire.send(connectBytes(version), packet('82', '0001', properties(version), text(topic), '00'), retained, 'c000')
    const { bytes } = await wire.expect('connack')
    assert.equal(bytes[2], 0)
    assert.equal(bytes[3], 0)
    const more = []
    for (let count = 0; count < 3; count++) more.push((await wire.next()).packet.cmd)
    assert.deepEqual(more.sort(), ['pingresp', 'publish', 'suback'])
  },
)

statement({ 5: 'MQTT-3.2.0-2' }, 'sends one CONNACK only', async ({ login }) => {
  const wire = await login()
  wire.send(connectBytes(5))
  assert.ok((await wire.closed()).every(({ packet: answer }) => answer.cmd !== 'connack'))
})

statement(
  {
    4: ['MQTT-3.1.4-5', 'MQTT-3.2.2-4', 'MQTT-3.2.2-5'],
    5: ['MQTT-3.1.4-2', 'MQTT-3.1.4-6', 'MQTT-3.2.2-6', 'MQTT-3.2.2-7'],
  },
  'refuses who is not authorised, closes, and does nothing of what came behind',
  async ({ open, login, version, topic }) => {
    const subscriber = await login()
    await subscribe(subscriber, topic, 1)
    const wire = await open()
    // The certificate says another name.
    const bytes = connectBytes(version, { flags: 'c2', rest: `${text('somebody')}${text('secret')}` })
    wire.send(bytes, packet('32', text(topic), '0001', properties(version), '78'))
    wire.send(packet('30', text(topic), properties(version), '78'))
    const answers = await wire.closed()
    assert.equal(answers.length, 1)
    assert.equal(answers[0]?.bytes[0], 0x20)
    assert.equal(answers[0]?.bytes[2], 0)
    assert.equal(answers[0]?.bytes[3], version === 4 ? 4 : 0x86)
    assert.deepEqual(await receiveAll(subscriber, await login(), topic), [])
  },
  { ours: true },
)

statement(
  { 4: ['MQTT-3.2.2-4', 'MQTT-3.2.2-5'], 5: ['MQTT-3.2.2-6', 'MQTT-3.2.2-7'] },
  'says with a refusal that no session is present, although there is one',
  async ({ open, login, version, clientId }) => {
    const who = lasting(version, clientId())
    const keeper = await login(who)
    keeper.send({ cmd: 'disconnect' })
    await keeper.closed()
    // The session belongs to another user.
    const wire = await open('try')
    wire.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, ...who, clientId: clientId() })
    const answers = await wire.closed()
    assert.equal(answers.length, 1)
    assert.equal(answers[0]?.bytes[2], 0)
    assert.equal(answers[0]?.bytes[3], version === 4 ? 2 : 0x85)
    // It is still there.
    const again = await open()
    again.send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, ...who, clientId: clientId() })
    assert.equal((await again.expect('connack')).packet.sessionPresent, true)
  },
  { ours: true },
)

statement({ 4: 'MQTT-3.2.2-6' }, 'closes without an answer where no return code fits', async ({ open }) => {
  await each(wrongFields(4), async (fields) => {
    const wire = await open()
    wire.send(connectBytes(4, fields))
    await wire.closedSilently()
  })
})

/** The reasons that MQTT 5 has for a CONNACK, table 3-1. */
const connackReasons = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
  0x9c, 0x9d, 0x9f,
]
statement({ 5: 'MQTT-3.2.2-8' }, 'gives the reasons that there are for a CONNACK, and no others', async ({ open }) => {
  const all = {
    good: {},
    ...wrongFields(5),
    ...wrongProperties,
    method: { properties: properties(5, '15', text('x')) },
  }
  await each<ConnectFields>(all, async (fields) => {
    const wire = await open()
    wire.send(connectBytes(5, fields), 'e000')
    const [answer] = await wire.closed()
    assert.ok(connackReasons.includes(answer?.bytes[3] ?? -1), `the reason is ${answer?.bytes[3]}`)
  })
})

statement(
  { 5: ['MQTT-3.2.2-9', 'MQTT-3.2.2-10', 'MQTT-3.2.2-12', 'MQTT-3.2.2-13'] },
  'announces no lower QoS and no lack of retained messages, and has neither',
  async ({ open, login, topic, clientId }) => {
    const watcher = await login()
    await subscribe(watcher, topic, 2)
    for (const qos of [0, 1, 2] as const) {
      const wire = await open()
      const will = { topic, payload: `will ${qos}`, qos, retain: true }
      wire.send({ cmd: 'connect', clientId: clientId(), clean: true, protocolId: 'MQTT', protocolVersion: 5, will })
      const { packet: answer, properties: announced } = await wire.expect('connack')
      assert.equal(answer.reasonCode, 0)
      assert.ok(announced.every(({ name }) => name !== 'Maximum QoS' && name !== 'Retain Available'))
      await subscribe(wire, `${topic}/${qos}`, qos)
      await publish(wire, { topic: `${topic}/other`, qos })
      wire.cut()
      const message = await watcher.expect('publish')
      assert.equal(message.packet.qos, qos)
      assert.equal(message.packet.payload.toString(), `will ${qos}`)
      const { messageId = 0 } = message.packet
      if (qos === 1) watcher.send({ cmd: 'puback', messageId })
      if (qos === 2) {
        watcher.send({ cmd: 'pubrec', messageId })
        await watcher.expect('pubrel')
        watcher.send({ cmd: 'pubcomp', messageId })
      }
    }
  },
)

statement(
  { 4: ['MQTT-7.0.0-2', 'MQTT-7.1.1-1'], 5: 'MQTT-4.2.0-1' },
  'serves a client that sends only what it must, over TCP, in any pieces',
  async ({ open, version, topic }) => {
    const wire = await open()
    const body = `${topic}${'x'.repeat(200)}`
    const bytes = [
      connectBytes(version),
      packet('82', '0001', properties(version), text(topic), '00'),
      packet('30', text(topic), properties(version), Buffer.from(body).toString('hex')),
      'c000',
    ].join('')
    // One byte after the other, so that each packet is cut everywhere.
    for (const byte of Buffer.from(bytes, 'hex')) wire.send(Buffer.of(byte))
    await wire.expect('connack')
    const answers = [await wire.next(), await wire.next(), await wire.next()].map(({ packet: answer }) =>
      answer.cmd === 'publish' ? answer.payload.toString() : answer.cmd,
    )
    assert.deepEqual(answers.sort(), ['pingresp', 'suback', body].sort())
  },
)
