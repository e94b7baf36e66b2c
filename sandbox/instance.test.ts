import assert from 'node:assert/strict'
import { test } from 'node:test'
import ipaddr from 'ipaddr.js'
import { allNetworks, sandboxInstance } from './instance.ts'

test('each instance has networks of its own, all of them in those that sandboxes have', () => {
  const instances = Array.from({ length: 100 }, (_, number) => sandboxInstance(number))
  for (const { network, network6, edge, edge6 } of instances) {
    for (const [address, own, all] of [
      [edge, network, allNetworks.ipv4],
      [edge6, network6, allNetworks.ipv6],
    ] as const) {
      assert.ok(ipaddr.parse(address).match(ipaddr.parseCIDR(own)), `${address} is in ${own}`)
      assert.ok(ipaddr.parse(address).match(ipaddr.parseCIDR(all)), `${address} is in ${all}`)
      assert.equal(ipaddr.parse(address).toString(), address, 'as the kernel writes it')
    }
  }
  assert.equal(new Set(instances.flatMap(({ network, network6 }) => [network, network6])).size, 200)
})

test('a number that is none from 0 to 99 is refused', () => {
  for (const number of [-1, 100, 1.5, Number.NaN]) assert.throws(() => sandboxInstance(number), /from 0 to 99/)
})
