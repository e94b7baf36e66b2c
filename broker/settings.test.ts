import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readSettings } from './settings.ts'

const right = {
  SKERRY_HOSTNAME: 'mqtt.example.com',
  SKERRY_ADMINISTRATORS: 'admin, alice',
  CREDENTIALS_DIRECTORY: '/run/credentials',
  STATE_DIRECTORY: '/var/lib/skerry',
  SKERRY_LISTEN_MQTT: '0.0.0.0:1883',
  SKERRY_LISTEN_MQTTS: '[::]:8883',
}

describe('settings', () => {
  test('that are right', () => {
    assert.deepEqual(readSettings({ ...right, SKERRY_SANDBOX: '3' }, 7), {
      settings: {
        hostname: 'mqtt.example.com',
        administrators: new Set(['admin', 'alice']),
        credentialsDirectory: '/run/credentials',
        stateDirectory: '/var/lib/skerry',
        acknowledge: 'synced',
        listeners: [
          { door: 'mqtt', binding: { host: '0.0.0.0', port: 1883 } },
          { door: 'mqtts', binding: { host: '::', port: 8883 } },
        ],
      },
      mistakes: [],
    })
  })

  test('that are wrong are all named at once, with what is allowed and an example', () => {
    const { mistakes } = readSettings(
      { SKERRY_ADMINISTRATORS: 'a/b', SKERRY_LISTEN_MQTT: 'x', SKERRY_LISTEN_WSSS: '' },
      7,
    )
    const keys = [
      'SKERRY_ADMINISTRATORS',
      'SKERRY_HOSTNAME',
      'CREDENTIALS_DIRECTORY',
      'SKERRY_LISTEN_MQTT',
      'SKERRY_LISTEN_WSSS',
    ]
    assert.deepEqual(
      mistakes.map((mistake) => mistake.split(' ')[0]),
      keys,
    )
    for (const mistake of mistakes) assert.match(mistake, /Allowed: .+ Example: \w+=.+$/)
  })

  const wrong: Readonly<Record<string, readonly string[]>> = {
    SKERRY_HOSTNAME: ['', 'Mqtt.example.com', '-a.b', 'a..b', 'a_b', 'https://a.b', `${'a'.repeat(64)}.b`],
    SKERRY_ADMINISTRATORS: ['', ',', 'admin,', 'a b', '$a', 'a#'],
    CREDENTIALS_DIRECTORY: [''],
    SKERRY_ACKNOWLEDGE: ['', 'Synced', 'none'],
    SKERRY_LISTEN_MQTT: [
      '',
      '1883',
      ':1883',
      'localhost:1883',
      '127.0.0.1',
      '127.0.0.1:65536',
      '::1:1883',
      '[127.0.0.1]:1',
      '1.2.3.4:-1',
    ],
    SKERRY_LISTEN_WS: ['0.0.0.0:8080', '192.0.2.1:8080', '[::]:8080'],
  }
  for (const [name, values] of Object.entries(wrong)) {
    test(`${name} is one of what is allowed`, () => {
      for (const value of values) {
        const { mistakes } = readSettings({ ...right, [name]: value }, 7)
        assert.equal(mistakes.length, 1, value)
        assert.match(mistakes[0] ?? '', new RegExp(`^${name} cannot be `))
      }
    })
  }

  test('may be at their edges', () => {
    const edges = {
      SKERRY_LISTEN_MQTT: '127.0.0.1:65535',
      SKERRY_LISTEN_WS: '[::1]:0',
      SKERRY_LISTEN_WSS: '127.8.9.1:0',
    }
    assert.deepEqual(readSettings({ ...right, ...edges, SKERRY_HOSTNAME: `${'a'.repeat(63)}.b` }, 7).mistakes, [])
    assert.deepEqual(readSettings({ ...right, SKERRY_LISTEN_WS: '127.8.9.1:80' }, 7).mistakes, [])
  })

  test('must give something to listen on', () => {
    const { SKERRY_LISTEN_MQTT, SKERRY_LISTEN_MQTTS, ...rest } = right
    assert.match(readSettings(rest, 7).mistakes.join(), /nothing to listen on/)
  })
})

describe('sockets from systemd', () => {
  const read = (fds: string, names: string | undefined, pid = '7') =>
    readSettings({ ...right, LISTEN_FDS: fds, LISTEN_FDNAMES: names, LISTEN_PID: pid }, 7)

  test('come after those of the settings, by their names', () => {
    assert.deepEqual(read('3', 'mqtts:mqtt:mqtts').settings.listeners?.slice(2), [
      { door: 'mqtts', binding: { fd: 3 } },
      { door: 'mqtt', binding: { fd: 4 } },
      { door: 'mqtts', binding: { fd: 5 } },
    ])
  })

  test('are not ours without our process id', () => {
    assert.equal(read('1', 'mqtt', '8').settings.listeners?.length, 2)
    assert.equal(readSettings({ ...right, LISTEN_FDS: '1', LISTEN_FDNAMES: 'mqtt' }, 7).settings.listeners?.length, 2)
  })

  test('must each have the name of a door', () => {
    for (const [fds, names] of [
      ['1', undefined],
      ['1', 'unknown'],
      ['1', 'ws'],
      ['2', 'mqtt'],
      ['1', 'mqtt:mqtts'],
      ['x', 'mqtt'],
      ['0', 'mqtt'],
      ['17', 'mqtt'],
    ] as const) {
      assert.equal(read(fds, names).mistakes.length, 1, `${fds} ${names}`)
    }
  })
})
