import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { broughtIn, imageIn } from './settings.ts'

const earlier = 'config:\n  skerry:hostname: a.test\n  skerry:location: hel1\n  skerry:sshNetworks: [10.0.0.1/32]\n'
const standing = `encryptionsalt: v1:abc\n${earlier}  skerry:plainMqtt: false\n  skerry:users:\n    try: {secure: v1:def}\n`

test('an unchanged checkout changes nothing of the standing stack', () => {
  assert.deepEqual(parse(broughtIn(standing, earlier, earlier)), parse(standing))
})

test('what the checkout changed, added or left out arrives; what was set on the stack stays', () => {
  const now = 'config:\n  skerry:hostname: b.test\n  skerry:sshNetworks: [10.0.0.2/32]\n  skerry:generation: 2\n'
  assert.deepEqual(parse(broughtIn(standing, earlier, now)), {
    encryptionsalt: 'v1:abc',
    config: {
      'skerry:hostname': 'b.test',
      'skerry:sshNetworks': ['10.0.0.2/32'],
      'skerry:plainMqtt': false,
      'skerry:users': { try: { secure: 'v1:def' } },
      'skerry:generation': 2,
    },
  })
})

test('a value set on the stack gives way only when the checkout changes the same key', () => {
  const now = `${earlier}  skerry:plainMqtt: true\n`
  assert.equal(parse(broughtIn(standing, earlier, now)).config['skerry:plainMqtt'], true)
})

test('the image of the next server is what the stack says, else the one that is the default', () => {
  assert.equal(imageIn(standing), 'debian-13')
  assert.equal(imageIn('config:\n  skerry:image: debian-12\n'), 'debian-12')
  assert.equal(imageIn('config:\n  skerry:image: ubuntu-24.04\n'), undefined)
})
