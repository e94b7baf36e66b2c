import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ports } from '../infra/ports.ts'
import { configurationFiles } from './configuration.ts'
import { exampleSettings } from './test-support.ts'

const files = configurationFiles(exampleSettings)
const withoutPlainMqtt = configurationFiles({ ...exampleSettings, plainMqtt: false })
const textOf = (path: string, from = files): string => String(from.find((file) => file.path === path)?.content)

for (const { path, content } of files) {
  test(`${path} is as reviewed`, (t) => t.assert.snapshot(String(content), { serializers: [(text) => text] }))
}

test('no placeholder is left', () => {
  for (const { path, content } of files) assert.doesNotMatch(String(content), /@[A-Z_]+@/, path)
})

test("the server's firewall opens the ports of the list and no other", () => {
  const opened = /tcp dport \{ ([\d, ]+) \} accept/.exec(textOf('nftables/skerry.nft'))?.[1]
  assert.deepEqual(
    opened?.split(', ').map(Number),
    ports.map((port) => port.number),
  )
})

test("source networks are the cloud firewall's alone", () => {
  assert.doesNotMatch(textOf('nftables/skerry.nft'), /saddr/)
})

test('without plain MQTT nothing names its port', () => {
  for (const { path, content } of withoutPlainMqtt) assert.doesNotMatch(String(content), /1883/, path)
  assert.equal(
    withoutPlainMqtt.some(({ path }) => path === 'systemd/skerry-mqtt.socket'),
    false,
  )
  assert.match(textOf('health.env', withoutPlainMqtt), /SKERRY_PLAIN_MQTT='0'/)
})

test('the broker is told when to acknowledge', () => {
  const relaxed = configurationFiles({ ...exampleSettings, acknowledge: 'written' })
  assert.match(textOf('broker.env', relaxed), /^SKERRY_ACKNOWLEDGE='written'$/m)
})

test('another name or another ACME server is another certificate, another address of the operator is not', () => {
  const lineage = (change: Partial<typeof exampleSettings>): string | undefined =>
    /LINEAGE='(.+)'/.exec(textOf('acme/acme.env', configurationFiles({ ...exampleSettings, ...change })))?.[1]
  const lineages = [{}, { hostname: 'other.example.com' }, { acmeDirectory: 'https://other.example.com/' }].map(lineage)
  assert.equal(new Set(lineages).size, 3)
  assert.equal(lineage({ acmeEmail: 'other@example.com' }), lineages[0])
})

test('every credential that a unit loads is one that is stored', () => {
  const stored = [
    'broker/broker.crt',
    'broker/broker.key',
    'broker/authorities.pem',
    'broker/proxy.crt',
    'broker/passwords.json',
  ]
  const loaded = [...textOf('systemd/skerry-broker.service').matchAll(/^LoadCredential=[^:]+:\/etc\/skerry\/(.+)$/gm)]
  assert.deepEqual(loaded.map(([, path]) => path).sort(), stored.sort())
})

test('nothing that needs the data starts or stays without the volume', () => {
  const needs = (path: string, key: string, unit: string) => {
    for (const found of [key, 'After']) {
      const units = new RegExp(`^${found}=(.*)$`, 'm').exec(textOf(path))?.[1]?.split(' ')
      assert.ok(units?.includes(unit), `${path}: ${found}=${units}`)
    }
  }
  const sockets = files.filter(({ path }) => path.endsWith('.socket')).map(({ path }) => path)
  assert.equal(sockets.length, 3)
  for (const path of ['systemd/skerry-broker.service', ...sockets]) needs(path, 'BindsTo', 'var-lib-skerry.mount')
  needs('systemd/skerry-acme.service', 'BindsTo', 'etc-letsencrypt.mount')
  needs('drop-ins/nginx.service.conf', 'Requires', 'etc-letsencrypt.mount')
})

test('no unit gives up after some attempts', () => {
  for (const { path } of files.filter(({ path }) => /broker\.service|\.socket|nginx\.service/.test(path))) {
    assert.match(textOf(path), /^StartLimitIntervalSec=0$/m, path)
  }
})

test('every executable file begins with its interpreter', () => {
  for (const { path, content, executable } of files) {
    assert.equal(String(content).startsWith('#!'), executable === true || path === 'nftables.conf', path)
  }
})
