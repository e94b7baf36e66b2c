import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Confidential, invariants, type Registered, violations } from './invariants.ts'
import { record } from './recorder.ts'
import type { Settings } from './settings.ts'

const key = (label: string) => `-----BEGIN ${label} PRIVATE KEY-----\nAAAA\n-----END ${label} PRIVATE KEY-----\n`
const made = (type: string, inputs: Registered['inputs'], protect = false): Registered => ({
  type,
  name: 'x',
  inputs,
  protect,
})
const server = (inputs: Registered['inputs']) => made('hcloud:index/server:Server', inputs)
const rule = (changed: object) => ({
  direction: 'in',
  protocol: 'tcp',
  port: '22',
  sourceIps: ['0.0.0.0/0'],
  ...changed,
})
const firewall = (changed: object) => made('hcloud:index/firewall:Firewall', { rules: [rule(changed)] })
const command = (inputs: Registered['inputs']) => made('command:remote:Command', inputs)
const signed = (inputs: Registered['inputs']) => made('tls:index/locallySignedCert:LocallySignedCert', inputs)
const dnsRecord = (inputs: Registered['inputs']) => made('cloudflare:index/dnsRecord:DnsRecord', inputs)
const address = (inputs: Registered['inputs'], protect = false) =>
  made('hcloud:index/primaryIp:PrimaryIp', inputs, protect)
const volume = (inputs: Registered['inputs'], protect: boolean) => made('hcloud:index/volume:Volume', inputs, protect)
const attachment = (inputs: Registered['inputs']) => made('hcloud:index/volumeAttachment:VolumeAttachment', inputs)
const authorityKey = (protect: boolean) => ({
  ...made('tls:index/privateKey:PrivateKey', {}, protect),
  name: 'root-ca-1',
})

/** For each invariant: resources that break it, and some just inside of it. */
const fixtures: Record<keyof typeof invariants, { bad: Registered[]; good: Registered[] }> = {
  neverProxied: { bad: [dnsRecord({ proxied: true }), dnsRecord({})], good: [dnsRecord({ proxied: false })] },
  sshNeverFromEverywhere: {
    bad: [
      firewall({}),
      firewall({ sourceIps: ['::/0'] }),
      firewall({ sourceIps: ['203.0.113.7/32', '0.0.0.0/1'] }),
      firewall({ port: '1-1024' }),
      firewall({ port: '22-23' }),
      firewall({ port: 'any' }),
      firewall({ port: undefined }),
    ],
    good: [
      firewall({ sourceIps: ['203.0.113.7/32'] }),
      firewall({ port: '23-80' }),
      firewall({ port: '443' }),
      firewall({ protocol: 'icmp', port: undefined }),
      firewall({ direction: 'out' }),
    ],
  },
  firewallBeforeFirstBoot: { bad: [server({}), server({ firewallIds: [] })], good: [server({ firewallIds: [1] })] },
  addressOutlivesServer: { bad: [address({}), address({ autoDelete: true })], good: [address({ autoDelete: false })] },
  addressesAreOurs: {
    bad: [
      server({}),
      server({ publicNets: [{ ipv4Enabled: true, ipv4: 1 }] }),
      server({ publicNets: [{ ipv4Enabled: true, ipv4: 1, ipv6Enabled: true }] }),
      server({ publicNets: [{ ipv4: 1, ipv6: 2 }] }),
    ],
    good: [server({ publicNets: [{ ipv4Enabled: true, ipv4: 1, ipv6Enabled: true, ipv6: 2 }] })],
  },
  nameLeadsToServer: {
    bad: [dnsRecord({ type: 'AAAA', content: '2001:db8::', proxied: false })],
    good: [
      dnsRecord({ type: 'AAAA', content: '2001:db8::1', proxied: false }),
      dnsRecord({ type: 'A', proxied: false }),
    ],
  },
  protectedByBoth: {
    bad: [address({ deleteProtection: true }), address({}, true), volume({ deleteProtection: false }, true)],
    good: [address({ deleteProtection: true }, true), address({}), volume({ deleteProtection: true }, true)],
  },
  volumeFollowsServer: {
    bad: [attachment({}), attachment({ volumeId: 1 }), attachment({ volumeId: '1', serverId: 2 })],
    good: [attachment({ volumeId: 1, serverId: 2 })],
  },
  trustProtectedAsOne: { bad: [], good: [authorityKey(true), authorityKey(false)] },
  userDataSmall: {
    bad: [server({ userData: new Confidential('x'.repeat(32 * 1024 + 1)) }), server({ userData: 'ä'.repeat(16_385) })],
    good: [server({ userData: new Confidential('x'.repeat(32 * 1024)) })],
  },
  userDataHoldsHostKeyOnly: {
    bad: [
      server({ userData: new Confidential(key('OPENSSH') + key('EC')) }),
      server({ userData: new Confidential(key('OPENSSH') + key('OPENSSH')) }),
      server({ userData: new Confidential('-----BEGIN PRIVATE KEY-----') }),
    ],
    good: [server({ userData: new Confidential(key('OPENSSH')) })],
  },
  userDataSecret: { bad: [server({ userData: 'x' })], good: [server({ userData: new Confidential('x') })] },
  keysSecret: {
    bad: [signed({ caPrivateKeyPem: key('EC') }), command({ connection: { proxy: { privateKey: key('OPENSSH') } } })],
    good: [signed({ caPrivateKeyPem: new Confidential(key('EC')), caCertPem: '-----BEGIN CERTIFICATE-----' })],
  },
  hostKeyPinned: {
    bad: [
      command({ connection: new Confidential({ host: 'x' }) }),
      command({ connection: { hostKey: '' } }),
      made('command:remote:CopyToRemote', {}),
    ],
    good: [command({ connection: new Confidential({ hostKey: 'ssh-ed25519 AAAA' }) })],
  },
  secretsNotLogged: {
    bad: [
      command({ stdin: 'x', logging: 'none' }),
      command({ stdin: new Confidential('x') }),
      command({ stdin: new Confidential('x'), logging: 'stderr' }),
    ],
    good: [command({ stdin: new Confidential('x'), logging: 'none' }), command({ logging: 'stdout' })],
  },
  commandsCarryNoSecret: {
    bad: ['create', 'update', 'delete', 'environment'].map((field) => command({ [field]: new Confidential('x') })),
    good: [command({ create: 'x', environment: { A: 'b' } })],
  },
  doneAgainOnNewServer: {
    bad: [command({}), command({ triggers: [] })],
    good: [command({ triggers: ['1'] }), command({ triggers: new Confidential(['1']) })],
  },
  issuingAuthorityEndsThere: {
    bad: [signed({ isCaCertificate: true }), signed({ isCaCertificate: true, maxPathLength: 1 })],
    good: [signed({ isCaCertificate: true, maxPathLength: 0 }), signed({})],
  },
  authoritiesNeverRenewedEarly: {
    bad: [signed({ isCaCertificate: true, earlyRenewalHours: 1 })],
    good: [signed({ isCaCertificate: true, earlyRenewalHours: 0 }), signed({ earlyRenewalHours: 1 })],
  },
  certificatesIdentified: { bad: [signed({})], good: [signed({ setSubjectKeyId: true })] },
}

describe('invariants', () => {
  for (const [name, invariant] of Object.entries(invariants)) {
    const { bad, good } = fixtures[name as keyof typeof invariants]
    it(`${name} finds what breaks it, in a sentence that names the resource`, () => {
      for (const resource of bad) {
        const found = invariant([resource])
        assert.equal(found.length, 1, JSON.stringify(resource))
        assert.ok(found[0]?.startsWith(`${resource.type} "x": `), found[0])
      }
    })
    it(`${name} lets pass what keeps it`, () => {
      for (const resource of good) assert.deepEqual(invariant([resource]), [])
    })
  }

  it('trustProtectedAsOne finds the part that differs', () => {
    assert.deepEqual(
      invariants.trustProtectedAsOne([authorityKey(true), { ...authorityKey(false), name: 'issuing-ca-1' }]),
      ['tls:index/privateKey:PrivateKey "issuing-ca-1": it is not protected as the other parts of an authority are'],
    )
  })

  it('never show a key', () => {
    const resources = Object.values(fixtures).flatMap(({ bad }) => bad)
    assert.ok(!violations(resources).join('').includes('AAAA'))
  })

  const variants: Partial<Settings>[] = [
    {},
    { plainMqtt: false },
    { protect: false },
    { authorities: [2, 1] },
    { serverType: 'cax11', architecture: 'arm', generation: 2 },
  ]
  for (const changed of variants) {
    it(`hold for the whole environment with ${JSON.stringify(changed)}`, async () => {
      const { resources } = await record(changed)
      assert.ok(resources.length > 20)
      assert.deepEqual(violations(resources), [])
    })
  }
})
