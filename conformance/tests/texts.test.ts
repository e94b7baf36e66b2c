import assert from 'node:assert/strict'
import { connectBytes } from '../connect-bytes.ts'
import {
  closedBecause,
  each,
  packet,
  properties,
  publish,
  receive,
  refusedBecause,
  subscribe,
  text,
  valuesOf,
} from '../exchanges.ts'
import { statement } from '../suite.ts'

type Make = (value: string) => string

const will = (field: Make): Make => {
  return (value) => connectBytes(5, { flags: '06', rest: properties(5, field(value)) + text('t') + text('') })
}
const userName: Make = (value) => `26${value}${text('value')}`
const userValue: Make = (value) => `26${text('name')}${value}`

/** Where a text stands in a CONNECT; each is made with a good text as well, to see that nothing else is wrong. */
const connectTexts: Readonly<Record<4 | 5, Readonly<Record<string, Make>>>> = {
  4: {
    'the client identifier': (value) => connectBytes(4, { clientId: value }),
    'the will topic': (value) => connectBytes(4, { flags: '06', rest: value + text('') }),
    'the user name': (value) => connectBytes(4, { flags: '82', rest: value }),
  },
  5: {
    'the client identifier': (value) => connectBytes(5, { clientId: value }),
    'the will topic': (value) => connectBytes(5, { flags: '06', rest: properties(5) + value + text('') }),
    'the user name': (value) => connectBytes(5, { flags: '82', rest: value }),
    'the authentication method': (value) => connectBytes(5, { properties: properties(5, '15', value) }),
    'the name of a user property': (value) => connectBytes(5, { properties: properties(5, userName(value)) }),
    'the value of a user property': (value) => connectBytes(5, { properties: properties(5, userValue(value)) }),
    'the content type of a will': will((value) => `03${value}`),
    'the response topic of a will': will((value) => `08${value}`),
    'the name of a user property of a will': will(userName),
    'the value of a user property of a will': will(userValue),
  },
}

/** The same for the packets that come later. */
function laterTexts(version: 4 | 5): Readonly<Record<string, Make>> {
  const publication = (field: Make) => (value: string) => packet('30', text('t'), properties(5, field(value)))
  const acknowledgement = (first: string) => (value: string) => packet(first, '0001', '00', properties(5, '1f', value))
  const common = {
    'a topic name': (value: string) => packet('30', value, properties(version)),
    'a topic filter': (value: string) => packet('82', '0001', properties(version), value, '00'),
    'a topic filter to unsubscribe': (value: string) => packet('a2', '0001', properties(version), value),
  }
  if (version === 4) return common
  return {
    ...common,
    'a content type': publication((value) => `03${value}`),
    'a response topic': publication((value) => `08${value}`),
    'the name of a user property': publication(userName),
    'the value of a user property': publication(userValue),
    'a user property of SUBSCRIBE': (value) => packet('82', '0001', properties(5, userName(value)), text('t'), '00'),
    'a user property of UNSUBSCRIBE': (value) => packet('a2', '0001', properties(5, userValue(value)), text('t')),
    'the reason of a PUBACK': acknowledgement('40'),
    'the reason of a PUBREC': acknowledgement('50'),
    'the reason of a PUBREL': acknowledgement('62'),
    'the reason of a PUBCOMP': acknowledgement('70'),
    'the reason of a DISCONNECT': (value) => packet('e0', '00', properties(5, '1f', value)),
  }
}

const notUtf8 = {
  'a high surrogate': text(Buffer.from('61eda080', 'hex')),
  'a low surrogate': text(Buffer.from('edbfbf61', 'hex')),
  'a pair of surrogates': text(Buffer.from('eda080edb080', 'hex')),
  'an overlong form': text(Buffer.from('c1a1', 'hex')),
  'an overlong U+0000': text(Buffer.from('c080', 'hex')),
  'a code point above U+10FFFF': text(Buffer.from('f4908080', 'hex')),
  'a sequence that is cut': text(Buffer.from('61e282', 'hex')),
  'a byte that begins nothing': text(Buffer.from('ff61', 'hex')),
}
const withNull = {
  'U+0000 at the beginning': text('\0a'),
  'U+0000 at the end': text('a\0'),
  'U+0000 alone': text('\0'),
}

function refuses(version: 4 | 5, id: string, wrong: Readonly<Record<string, string>>): void {
  for (const [where, make] of Object.entries(connectTexts[version])) {
    statement({ [version]: id }, `refuses a CONNECT with such a text as ${where}`, async ({ open }) => {
      await each(wrong, async (value) => {
        const wire = await open()
        wire.send(make(value))
        await refusedBecause(wire, 0x81)
      })
    })
  }
  for (const [where, make] of Object.entries(laterTexts(version))) {
    statement({ [version]: id }, `closes on such a text as ${where}`, async ({ login }) => {
      await each(wrong, async (value) => {
        const wire = await login()
        wire.send(make(value))
        await closedBecause(wire, 0x81)
      })
    })
  }
}

refuses(4, 'MQTT-1.5.3-1', notUtf8)
refuses(5, 'MQTT-1.5.4-1', notUtf8)
refuses(4, 'MQTT-1.5.3-2', withNull)
refuses(5, 'MQTT-1.5.4-2', withNull)

for (const version of [4, 5] as const) {
  const id = version === 4 ? 'MQTT-1.5.3-1' : 'MQTT-1.5.4-1'
  // U+D7FF and U+E000 stand on either side of the surrogates; U+10FFFD is the last that is a character.
  const good = text('\u{d7ff}\u{e000}é\u{10fffd}')
  for (const [where, make] of Object.entries(laterTexts(version))) {
    if (where === 'the reason of a DISCONNECT') continue
    statement({ [version]: id }, `takes every other character in ${where}`, async ({ login }) => {
      const wire = await login()
      wire.send(make(good), 'c000')
      for (;;) if ((await wire.next()).packet.cmd === 'pingresp') break
    })
  }
  for (const [where, make] of Object.entries(connectTexts[version])) {
    statement({ [version]: id }, `answers a CONNECT with every other character in ${where}`, async ({ open }) => {
      const wire = await open()
      wire.send(make(good))
      const { packet: answer } = await wire.expect('connack')
      // Not every name is let in, but each is understood.
      assert.notEqual(answer.reasonCode, 0x81)
    })
  }
}

const byteOrderMark = '\ufeff'

statement(
  { 4: 'MQTT-1.5.3-3', 5: 'MQTT-1.5.4-3' },
  'keeps EF BB BF in a topic, which is another one without it',
  async ({ topic, login }) => {
    const [subscriber, publisher] = [await login(), await login()]
    const marked = `${byteOrderMark}${topic}${byteOrderMark}`
    await subscribe(subscriber, marked)
    await publish(publisher, { topic }, { topic: marked, payload: 'marked' })
    const { bytes, packet: received } = await receive(subscriber)
    assert.equal(received.payload.toString(), 'marked')
    assert.ok(bytes.toString('hex').includes(text(marked)))
  },
)

statement({ 5: 'MQTT-1.5.4-3' }, 'keeps EF BB BF in properties', async ({ topic, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic)
  const contentType = `${byteOrderMark}text`
  const userProperties = { [`${byteOrderMark}name`]: `${byteOrderMark}value` }
  await publish(publisher, { topic, properties: { contentType, responseTopic: contentType, userProperties } })
  const message = await receive(subscriber)
  assert.deepEqual(valuesOf(message, 'Content Type'), [contentType])
  assert.deepEqual(valuesOf(message, 'Response Topic'), [contentType])
  assert.deepEqual(valuesOf(message, 'User Property'), Object.entries(userProperties))
})

statement(
  { 4: 'MQTT-1.5.3-3', 5: 'MQTT-1.5.4-3' },
  'keeps EF BB BF in client identifiers',
  async ({ clientId, login }) => {
    const plain = await login({ clientId: clientId() })
    const marked = await login({ clientId: `${byteOrderMark}${clientId()}` })
    await plain.quiet()
    await marked.quiet()
  },
)

for (const [where, value, name] of [
  ['name', '61eda080', userName],
  ['name', '00', userName],
  ['value', '61eda080', userValue],
  ['value', '00', userValue],
] as const) {
  statement({ 5: 'MQTT-1.5.7-1' }, `closes on ${value} in the ${where} of a user property`, async ({ login }) => {
    const wire = await login()
    wire.send(packet('30', text('t'), properties(5, name(text(Buffer.from(value, 'hex'))))))
    await closedBecause(wire, 0x81)
  })
}

statement({ 5: 'MQTT-1.5.7-1' }, 'takes empty names and values of user properties', async ({ topic, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic)
  publisher.send(packet('30', text(topic), properties(5, '26', text(''), text(''), '26', text('a'), text(''))))
  assert.deepEqual(valuesOf(await receive(subscriber), 'User Property'), [
    ['', ''],
    ['a', ''],
  ])
})

const overlong = {
  'a remaining length in two bytes instead of one': 'c08000',
  'a remaining length in four bytes': 'c080808000',
  'a remaining length in five bytes': 'c08080808000',
  'a property length in two bytes instead of one': packet('30', text('t'), '8000'),
  'a property length in five bytes': packet('30', text('t'), '8080808000'),
  'a subscription identifier in two bytes instead of one': packet('82', '0001', '030b8100', text('t'), '00'),
  'a subscription identifier in five bytes': packet('82', '0001', '060b8180808000', text('t'), '00'),
}
for (const [what, bytes] of Object.entries(overlong)) {
  statement({ 5: 'MQTT-1.5.5-1' }, `closes on ${what}`, async ({ login }) => {
    const wire = await login()
    wire.send(bytes)
    await closedBecause(wire, 0x81)
  })
}

statement({ 5: 'MQTT-1.5.5-1' }, 'refuses a CONNECT whose property length is too long', async ({ open }) => {
  const wire = await open()
  wire.send(connectBytes(5, { properties: '8000' }))
  await refusedBecause(wire, 0x81)
})

statement({ 5: 'MQTT-1.5.5-1' }, 'sends lengths in as few bytes as possible', async ({ topic, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, topic)
  // On both sides of the step from one byte to two, and from two to three; the driver refuses longer ones.
  for (const remaining of [127, 128, 16_383, 16_384]) {
    const payload = 'x'.repeat(remaining - topic.length - 3)
    await publish(publisher, { topic, payload })
    const { bytes } = await receive(subscriber)
    assert.equal(bytes.length, remaining + (remaining < 128 ? 2 : remaining < 16_384 ? 3 : 4))
  }
})
