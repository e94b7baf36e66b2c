import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSettings } from './settings.ts'
import { exampleSettings } from './test-support.ts'

test('settings that mean the same in every file pass', () => {
  checkSettings(exampleSettings)
  checkSettings({ ...exampleSettings, hostname: `${'a'.repeat(63)}.example`, administrators: [] })
})

const bad = {
  hostname: [
    '',
    'localhost',
    'MQTT.example.com',
    'mqtt.example.com;',
    'a b.example',
    '-a.example',
    `${'a'.repeat(64)}.example`,
    'a.example\n',
  ],
  acmeDirectory: [
    '',
    'http://acme.example.com/',
    "https://acme.example.com/'",
    'https://acme.example.com/ x',
    'https://a/$(id)',
  ],
  acmeEmail: ['', 'operator', 'a b@example.com', "o'brien@example.com", '--server@example.com', 'a@example.com\nb'],
} as const

for (const [name, values] of Object.entries(bad)) {
  for (const value of values) {
    test(`${name} ${JSON.stringify(value)} is refused by name`, () => {
      assert.throws(() => checkSettings({ ...exampleSettings, [name]: value }), new RegExp(`: ${name} "`))
    })
  }
}

test('every bad setting is named at once', () => {
  const settings = { ...exampleSettings, hostname: 'x', acmeEmail: 'x', administrators: ['admin', "ad'min", 'a,b'] }
  assert.throws(
    () => checkSettings(settings),
    /hostname "x", acmeEmail "x", administrators "ad'min", administrators "a,b"$/,
  )
})
