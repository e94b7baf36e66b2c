import assert from 'node:assert/strict'
import {
  closedBecause,
  packet,
  properties,
  publish,
  qualities,
  receive,
  receiveAll,
  receiveKept,
  subscribe,
  text,
} from '../exchanges.ts'
import { statement } from '../suite.ts'

const both = (id: string) => ({ 4: id, 5: id })

statement(
  both('MQTT-4.7.2-1'),
  'keeps $-topics from filters that begin with a wildcard, live and retained',
  async (scene) => {
    const { topic, login } = scene
    const publisher = await login()
    const system = `$${topic}`
    const filters = ['#', '+/#', '+', '+/a', `+/+`, `+/a/#`]
    const subscribers = await Promise.all(filters.map(() => login()))
    for (const [index, subscriber] of subscribers.entries()) {
      await subscribe(subscriber, [
        { topic: filters[index] ?? '', qos: 1 },
        { topic: `${topic}/end`, qos: 1 },
      ])
    }
    const named = await login()
    await subscribe(named, `${system}/#`, 1)
    for (const retain of [false, true]) {
      for (const qos of qualities) {
        await publish(
          publisher,
          { topic: system, qos, retain, payload: 'a' },
          { topic: `${system}/a`, qos, retain, payload: 'a' },
        )
        for (const name of [system, `${system}/a`]) assert.equal((await receive(named)).packet.topic, name)
      }
    }
    const systemOf = (frames: Awaited<ReturnType<typeof receiveAll>>) =>
      frames.map((frame) => frame.packet.topic).filter((name) => name.startsWith('$'))
    for (const subscriber of subscribers) {
      assert.deepEqual(systemOf(await receiveAll(subscriber, publisher, `${topic}/end`)), [])
    }
    for (const filter of filters) {
      const late = await login()
      await subscribe(late, filter, 1)
      // Some of these filters bring the marker by themselves, too.
      const frames = [
        ...(await receiveKept(late, publisher, `${topic}/end/a`)),
        ...(await receiveKept(late, publisher, `${topic}/end/b`)),
      ]
      assert.deepEqual(systemOf(frames), [])
    }
  },
)

statement(both('MQTT-4.7.3-1'), 'closes on an empty topic name or filter, and on no filter at all', async (scene) => {
  const { topic, version, login } = scene
  const none = properties(version)
  const empty = [
    packet('30', text(''), none, '61'),
    packet('32', text(''), '0001', none, '61'),
    packet('34', text(''), '0001', none, '61'),
    packet('82', '0001', none, text(''), '00'),
    packet('82', '0001', none, text(topic), '00', text(''), '00'),
    packet('a2', '0001', none, text('')),
    packet('a2', '0001', none, text(topic), text('')),
  ]
  for (const bytes of empty) {
    const wrong = await login()
    wrong.send(bytes)
    await closedBecause(wrong, 0x81, 0x82, 0x8f, 0x90)
  }
  // One character is enough.
  const [subscriber, publisher] = [await login(), await login()]
  for (const name of ['/', 'a', ' ']) {
    await subscribe(subscriber, name, 0)
    await publish(publisher, { topic: name, payload: topic })
    assert.equal((await subscriber.expect('publish')).packet.topic, name)
  }
})

statement(both('MQTT-4.7.3-2'), 'closes on U+0000 in a topic name or filter', async ({ topic, version, login }) => {
  const [subscriber, publisher] = [await login(), await login()]
  await subscribe(subscriber, `${topic}/#`, 2)
  const none = properties(version)
  for (const name of ['\0', 'a\0', '\0a', 'a/\0/b'].map((end) => text(`${topic}/${end}`))) {
    const wrong = [
      packet('30', name, none, '61'),
      packet('32', name, '0001', none, '61'),
      packet('34', name, '0001', none, '61'),
      packet('82', '0001', none, name, '00'),
      packet('a2', '0001', none, name),
    ]
    for (const bytes of wrong) {
      const wire = await login()
      wire.send(bytes)
      await closedBecause(wire, 0x81)
    }
  }
  assert.deepEqual(await receiveAll(subscriber, publisher, `${topic}/end`), [])
})

statement(
  both('MQTT-4.7.3-4'),
  'compares topics character by character, and changes none',
  async ({ topic, login }) => {
    const publisher = await login()
    // Composed and decomposed, upper and lower case, ligatures, full width, blanks, look-alikes, empty levels.
    const names = [
      '\u00e9',
      'e\u0301',
      '\u00c9',
      'ss',
      '\u00df',
      'fi',
      '\ufb01',
      'a',
      'A',
      '\uff41',
      '\u0430',
      'a ',
      ' a',
      '\ufeffa',
      'a/',
      '/a',
      '//a',
      'a//',
    ]
    const retained = names.map((name) => ({ topic: `${topic}/${name}`, retain: true, payload: name }))
    const subscribers = await Promise.all(names.map(() => login()))
    for (const [index, subscriber] of subscribers.entries()) {
      await subscribe(subscriber, [
        { topic: `${topic}/${names[index]}`, qos: 1 },
        { topic: `${topic}/end`, qos: 1 },
      ])
    }
    await publish(publisher, ...retained)
    for (const [index, name] of names.entries()) {
      const live = subscribers[index]
      assert.ok(live)
      const late = await login()
      await subscribe(late, `${topic}/${name}`, 1)
      for (const frames of [
        await receiveAll(live, publisher, `${topic}/end`),
        await receiveKept(late, publisher, `${topic}end`),
      ]) {
        const got = frames.map((frame) => frame.packet.topic).filter((other) => other !== `${topic}/end`)
        assert.deepEqual(got, [`${topic}/${name}`])
      }
    }
  },
)

const multiple = { 4: 'MQTT-4.7.1-2', 5: 'MQTT-4.7.1-1' }
const single = { 4: 'MQTT-4.7.1-3', 5: 'MQTT-4.7.1-2' }
for (const [ids, filters] of [
  [multiple, ['a#', '#/a', 'a/#/b', '/a#', '##', 'a/b#', '#a', 'a/#/']],
  [single, ['a+', '+a', 'a/+b', 'a+/b', '++', 'a/b+/c', '/+a', '+#', '+/+a']],
] as const) {
  statement(ids, 'takes no filter with a wildcard out of place, and its neighbours not either', async (scene) => {
    const { topic, login, version } = scene
    for (const filter of filters.map((end) => `${topic}/${end}`)) {
      const wire = await login()
      wire.send({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [
          { topic, qos: 0 },
          { topic: filter, qos: 0 },
        ],
      })
      await closedBecause(wire, 0x81, 0x82, 0x8f)
      const other = await login()
      other.send(packet('a2', '0001', properties(version), text(filter)))
      await closedBecause(other, 0x81, 0x82, 0x8f)
    }
  })
}

const places: readonly (readonly [filter: string, topics: readonly string[]])[] = [
  ['/#', ['', '/', '/a', '/a/', '/a/b', '/a/b/c', '//', '/b']],
  ['/a/#', ['/a', '/a/', '/a/b', '/a/b/c']],
  ['/+', ['/', '/a', '/b']],
  ['/+/+', ['/a/', '/a/b', '//']],
  ['/+/b/#', ['/a/b', '/a/b/c']],
  ['/a/+', ['/a/', '/a/b']],
  ['', ['']],
]
for (const ids of [multiple, single]) {
  statement(ids, 'takes wildcards at their places, and matches what they mean', async ({ topic, login }) => {
    const publisher = await login()
    for (const [filter, topics] of places) {
      const subscriber = await login()
      await subscribe(subscriber, [
        { topic: topic + filter, qos: 0 },
        { topic: `${topic}end`, qos: 0 },
      ])
      const all = ['', '/', '/a', '/a/', '/a/b', '/a/b/c', '//', '/b', 'a']
      await publish(publisher, ...all.map((end) => ({ topic: topic + end })))
      const got = await receiveAll(subscriber, publisher, `${topic}end`)
      assert.deepEqual(
        got.map((frame) => frame.packet.topic.slice(topic.length)),
        topics,
        filter,
      )
    }
  })
}
