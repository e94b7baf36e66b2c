import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { generate, type Packet } from 'mqtt-packet'
import { type PacketForm, readForm } from './packet-form.ts'

const MALFORMED = 0x81
const UNSUPPORTED = 0x84
const PROTOCOL_ERROR = 0x82

/** Bytes of numbers, texts (with their length) and other bytes. */
function bytes(...parts: readonly (number | string | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.from([part])
      if (typeof part !== 'string') return part
      const text = Buffer.from(part)
      return Buffer.concat([Buffer.from([text.length >> 8, text.length & 0xff]), text])
    }),
  )
}

/** Properties with their length in one byte. */
function properties(...parts: readonly (number | string | Buffer)[]): Buffer {
  const all = bytes(...parts)
  return bytes(all.length, all)
}

function form(cmd: string, version: 4 | 5, body: Buffer, header: { qos?: number; dup?: boolean } = {}): PacketForm {
  return readForm({ cmd, qos: 0, dup: false, lengthBytes: 1, body, ...header }, version)
}

type Case = readonly [name: string, cmd: string, version: 4 | 5, body: Buffer, header?: { qos?: number; dup?: boolean }]

const id = bytes(0, 1)
const none = bytes(0)
const connect4 = bytes('MQTT', 4, 2, 0, 0)
const connect5 = bytes('MQTT', 5, 2, 0, 0)
const connect5Will = bytes('MQTT', 5, 6, 0, 0)
const expiry = bytes(0x11, 0, 0, 0, 9)

const wellFormed: readonly Case[] = [
  ['an empty topic name', 'publish', 5, bytes('', none)],
  ['U+FEFF, U+FFFF and a character of four bytes', 'publish', 4, bytes('\ufeff\uffff\u{1f40c}')],
  ['an acknowledgement without reason code', 'puback', 5, id],
  ['one with a reason code', 'pubrec', 5, bytes(id, 0)],
  ['one with properties', 'pubrel', 5, bytes(id, 0, properties(0x1f, 'why', 0x26, 'a', 'b', 0x26, 'a', 'b'))],
  ['a DISCONNECT of nothing', 'disconnect', 5, bytes()],
  ['a DISCONNECT with a reason', 'disconnect', 5, bytes(4)],
  ['a DISCONNECT with a session expiry interval', 'disconnect', 5, bytes(0, properties(expiry))],
  ['the largest subscription identifier', 'subscribe', 5, bytes(id, properties(0x0b, 0xff, 0xff, 0xff, 0x7f), 'a', 0)],
  ['several filters', 'subscribe', 4, bytes(id, 'a/#', 1, '+/b', 2, '#', 0)],
  ['a CONNECT with everything', 'connect', 4, bytes('MQTT', 4, 0xc6, 0, 0, 'id', 'will', 'payload', 'user', 'word')],
  [
    'a CONNECT with will properties',
    'connect',
    5,
    bytes(connect5Will, none, '', properties(0x18, expiry.subarray(1)), 'a', 'b'),
  ],
]

const unsupported: readonly Case[] = [
  ['level 3', 'connect', 4, bytes('MQTT', 3, 2, 0, 0, '')],
  ['level 6', 'connect', 4, bytes('MQTT', 6, 2, 0, 0, '')],
  ['level 4 of a bridge', 'connect', 4, bytes('MQTT', 0x84, 2, 0, 0, '')],
  ['MQTT 3.1 at the level of 3.1.1', 'connect', 4, bytes('MQIsdp', 4, 2, 0, 0, '')],
  ['another protocol at level 5', 'connect', 4, bytes('MQTX', 5, 2, 0, 0, 0, '')],
]

const malformed: readonly Case[] = [
  ['another protocol at level 4', 'connect', 4, bytes('MQTX', 4, 2, 0, 0, '')],
  ['a password without a user name', 'connect', 4, bytes('MQTT', 4, 0x42, 0, 0, '', 'secret')],
  ['no topic name', 'publish', 4, bytes()],
  ['a topic name longer than the packet', 'publish', 4, bytes(0, 2, 0x61)],
  ['a surrogate', 'publish', 4, bytes(0, 3, 0xed, 0xa0, 0x80)],
  ['a byte that UTF-8 never has', 'publish', 4, bytes(0, 1, 0xff)],
  ['an overlong character', 'publish', 4, bytes(0, 2, 0xc0, 0x80)],
  ['U+0000', 'publish', 4, bytes('a\0')],
  ['+ in a topic name', 'publish', 4, bytes('a/+')],
  ['# in a topic name', 'publish', 5, bytes('#', none)],
  ['DUP with QoS 0', 'publish', 4, bytes('a'), { dup: true }],
  ['no packet identifier', 'publish', 4, bytes('a'), { qos: 1 }],
  ['no properties', 'publish', 5, bytes('a')],
  ['properties longer than the packet', 'publish', 5, bytes('a', 3, 1, 1)],
  ['a property longer than the properties', 'publish', 5, bytes('a', 2, 0x03, 0, 1, 0x61)],
  ['a property that does not exist', 'publish', 5, bytes('a', properties(0x7f, 1))],
  ['a property of another packet', 'publish', 5, bytes('a', properties(expiry))],
  ['a user property without a value', 'publish', 5, bytes('a', properties(0x26, 'a'))],
  ['a content type that is not UTF-8', 'publish', 5, bytes('a', properties(0x03, 0, 1, 0xff))],
  ['a length of properties in too many bytes', 'publish', 5, bytes('a', 0x80, 0)],
  ['a length of properties in five bytes', 'publish', 5, bytes('a', 0x80, 0x80, 0x80, 0x80, 0)],
  ['bytes after an acknowledgement', 'puback', 4, bytes(id, 0)],
  ['bytes after its properties', 'puback', 5, bytes(id, 0, none, 0)],
  ['half a packet identifier', 'pubcomp', 5, bytes(0)],
  ['a filter without options', 'subscribe', 4, bytes(id, 'a')],
  ['an empty filter', 'subscribe', 4, bytes(id, '', 0)],
  ['# before the end', 'subscribe', 5, bytes(id, none, 'a/#/b', 0)],
  ['# as a part of a level', 'unsubscribe', 4, bytes(id, 'a#')],
  ['+ as a part of a level', 'unsubscribe', 5, bytes(id, none, 'a', '+b')],
  ['a PINGREQ with a body', 'pingreq', 4, bytes(0)],
  ['a DISCONNECT of MQTT 3.1.1 with a reason', 'disconnect', 4, bytes(0)],
  ['a client identifier that is not UTF-8', 'connect', 4, bytes(connect4, 0, 1, 0x80)],
  ['bytes after a CONNECT', 'connect', 4, bytes(connect4, '', 0)],
  ['a will property in a CONNECT', 'connect', 5, bytes(connect5, properties(0x18, expiry.subarray(1)), '')],
]

const protocolErrors: readonly Case[] = [
  ['packet identifier 0', 'publish', 4, bytes('a', 0, 0), { qos: 2 }],
  ['packet identifier 0 in an acknowledgement', 'pubrec', 5, bytes(0, 0)],
  ['a subscription identifier from a client', 'publish', 5, bytes('a', properties(0x0b, 5))],
  ['a property twice, though it says nothing', 'publish', 5, bytes('a', properties(1, 0, 1, 0))],
  ['an empty text twice', 'publish', 5, bytes('a', properties(0x03, '', 0x03, ''))],
  ['a payload format that does not exist', 'publish', 5, bytes('a', properties(1, 2))],
  ['a response topic with a wildcard', 'publish', 5, bytes('a', properties(0x08, 'a/#'))],
  ['an empty response topic', 'publish', 5, bytes('a', properties(0x08, ''))],
  ['a SUBSCRIBE without filter', 'subscribe', 4, bytes(id)],
  ['an UNSUBSCRIBE without filter', 'unsubscribe', 5, bytes(id, none)],
  ['subscription identifier 0', 'subscribe', 5, bytes(id, properties(0x0b, 0), 'a', 0)],
  ['receive maximum 0', 'connect', 5, bytes(connect5, properties(0x21, 0, 0), '')],
  ['maximum packet size 0', 'connect', 5, bytes(connect5, properties(0x27, 0, 0, 0, 0), '')],
  ['a packet that only servers send', 'suback', 4, bytes(id, 0)],
]

describe('the form of a packet', () => {
  for (const [name, ...rest] of wellFormed)
    test(`good: ${name}`, () => assert.equal(form(...rest).objection, undefined))
  for (const [name, ...rest] of malformed) {
    test(`malformed: ${name}`, () => assert.equal(form(...rest).objection?.reasonCode, MALFORMED))
  }
  for (const [name, ...rest] of unsupported) {
    test(`unsupported: ${name}`, () => assert.equal(form(...rest).objection?.reasonCode, UNSUPPORTED))
  }
  for (const [name, ...rest] of protocolErrors) {
    test(`protocol error: ${name}`, () => assert.equal(form(...rest).objection?.reasonCode, PROTOCOL_ERROR))
  }

  test('a length takes as few bytes as it can in MQTT 5, and as many as it likes in MQTT 3.1.1', () => {
    for (const [size, lengthBytes, isGood] of [
      [127, 1, true],
      [127, 2, false],
      [128, 2, true],
      [16_383, 3, false],
      [16_384, 3, true],
    ] as const) {
      const body = bytes('a', none, Buffer.alloc(size - 4))
      const received = { cmd: 'publish', qos: 0, dup: false, lengthBytes, body }
      assert.equal(readForm(received, 5).objection === undefined, isGood, `${size} in ${lengthBytes}`)
      assert.equal(readForm(received, 4).objection, undefined)
    }
  })

  test('user properties come in their order, with empty and strange names', () => {
    const pairs = [
      ['2', 'b'],
      ['1', ''],
      ['2', 'a'],
      ['', ''],
      ['__proto__', 'x'],
      ['1', 'c'],
    ] as const
    const list = properties(...pairs.flatMap(([name, value]) => [0x26, name, value]))
    const expected = pairs.map(([name, value]) => ({ [name]: value }))
    assert.deepEqual(form('publish', 5, bytes('a', list)).userProperties, expected)
    assert.deepEqual(form('connect', 5, bytes(connect5Will, none, '', list, 'a', '')).willUserProperties, expected)
  })

  test('no bytes at all make it fail', () => {
    const commands = [
      'connect',
      'publish',
      'puback',
      'subscribe',
      'unsubscribe',
      'disconnect',
      'auth',
      'pingreq',
      'reserved',
    ]
    const packets = fc.record({
      cmd: fc.constantFrom(...commands),
      qos: fc.nat(2),
      dup: fc.boolean(),
      lengthBytes: fc.integer({ min: 1, max: 4 }),
      body: fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
    })
    fc.assert(
      fc.property(packets, fc.constantFrom(undefined, 3, 4, 5), (packet, version) => void readForm(packet, version)),
    )
  })

  test('what a client library writes is good', () => {
    const packets: readonly Packet[] = [
      { cmd: 'connect', clientId: 'a', protocolId: 'MQTT', protocolVersion: 5, clean: true, keepalive: 60 },
      { cmd: 'publish', topic: 'a', payload: 'b', qos: 2, messageId: 7, dup: false, retain: false },
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/+/#', qos: 1, nl: true }] },
      { cmd: 'disconnect', reasonCode: 4 },
    ]
    for (const packet of packets) {
      const body = generate(packet, { protocolVersion: 5 }).subarray(2)
      assert.deepEqual(
        form(packet.cmd, 5, body, { qos: packet.cmd === 'publish' ? packet.qos : 0 }).objection,
        undefined,
      )
    }
  })
})
