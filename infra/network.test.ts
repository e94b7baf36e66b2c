import assert from 'node:assert/strict'
import { it } from 'node:test'
import { firewallRules, firstAddress } from './network.ts'

const everyone = ['0.0.0.0/0', '::/0']
const operators = ['203.0.113.7/32']

function open(plainMqtt: boolean): [string, string[]][] {
  return firewallRules({ sshNetworks: operators, plainMqtt }).map(({ protocol, port = '', sourceIps }) => [
    `${protocol} ${port}`.trim(),
    sourceIps,
  ])
}

it('the firewall opens the listed ports, SSH to operators only', () => {
  assert.deepEqual(open(true), [
    ['icmp', everyone],
    ['tcp 22', operators],
    ['tcp 80', everyone],
    ['tcp 443', everyone],
    ['tcp 1883', everyone],
    ['tcp 8883', everyone],
  ])
})

it('the firewall closes 1883, and nothing else, when plain MQTT is off', () => {
  assert.deepEqual(
    open(false),
    open(true).filter(([rule]) => rule !== 'tcp 1883'),
  )
})

it('every rule lets in and says what for', () => {
  for (const { direction, description } of firewallRules({ sshNetworks: operators, plainMqtt: true })) {
    assert.equal(direction, 'in')
    assert.ok(description)
  }
})

it('a server answers at the first address of its IPv6 network', () => {
  assert.equal(firstAddress('2001:db8:3ea::'), '2001:db8:3ea::1')
  assert.equal(firstAddress('2001:db8:1:2::'), '2001:db8:1:2::1')
  assert.equal(firstAddress('2001:0DB8:0:0::'), '2001:db8::1')
  assert.throws(() => firstAddress('192.0.2.1'))
})
