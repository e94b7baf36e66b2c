import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sandboxInstance } from '../instance.ts'
import { seedFiles } from './seed.ts'

test('a server is told its order and its network, and its user data come as they were given', () => {
  const userData = '#cloud-config\n# "quotes", ümlauts and $dollars\n'
  const files = seedFiles(sandboxInstance(3), {
    ...{ id: 42, name: 'mqtt', image: 'debian-13', ipv4: '10.77.3.10', ipv6: null, rules: null },
    ...{ userData, sshKeys: ['ssh-ed25519 AAAA operator: "x"'] },
  })
  const seed = (name: string) => files.get(`var/lib/cloud/seed/nocloud/${name}`) ?? ''
  assert.equal(seed('user-data'), userData)
  assert.deepEqual(JSON.parse(seed('meta-data')), {
    'instance-id': '42',
    'local-hostname': 'mqtt',
    'public-keys': ['ssh-ed25519 AAAA operator: "x"'],
  })
  assert.deepEqual(JSON.parse(seed('network-config')), {
    version: 1,
    config: [
      {
        type: 'physical',
        name: 'eth0',
        subnets: [{ type: 'static', address: '10.77.3.10/32', gateway: '172.31.1.1', dns_nameservers: ['10.77.3.1'] }],
      },
    ],
  })
  assert.equal(files.get('etc/resolv.conf'), 'nameserver 10.77.3.1\n')
})

test('a server with an IPv6 network is ::1 in it, and asks name servers of both kinds', () => {
  const files = seedFiles(sandboxInstance(3), {
    ...{ id: 42, name: 'mqtt', image: 'debian-12', ipv4: '10.77.3.10', ipv6: 'fd3b:6c1e:a703:10::', rules: null },
    ...{ userData: '', sshKeys: [] },
  })
  const [physical] = JSON.parse(files.get('var/lib/cloud/seed/nocloud/network-config') ?? '').config
  const dns_nameservers = ['10.77.3.1', 'fd3b:6c1e:a703::1']
  assert.deepEqual(physical.subnets, [
    { type: 'static', address: '10.77.3.10/32', gateway: '172.31.1.1', dns_nameservers },
    { type: 'static6', address: 'fd3b:6c1e:a703:10::1/64', gateway: 'fe80::1' },
  ])
  assert.equal(files.get('etc/resolv.conf'), 'nameserver 10.77.3.1\nnameserver fd3b:6c1e:a703::1\n')
})
