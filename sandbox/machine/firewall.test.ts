import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { execa } from 'execa'
import type { FirewallRule } from '../cloud/datacenter.ts'
import { sandboxInstance } from '../instance.ts'
import { renderFirewall } from './firewall.ts'
import { renderEdge } from './network.ts'
import { noTrialBecause } from './trial.ts'

const instance = sandboxInstance(7)
const cannotLoad = (await noTrialBecause()) ?? false
const everyKind: readonly FirewallRule[] = [
  { direction: 'in', protocol: 'tcp', port: '443', source_ips: ['0.0.0.0/0', '::/0'] },
  { direction: 'in', protocol: 'tcp', port: '22', source_ips: ['192.0.2.0/24', '2001:db8::/32'] },
  { direction: 'in', protocol: 'udp', port: '5000-5010', source_ips: ['198.51.100.7/32'] },
  { direction: 'in', protocol: 'icmp', source_ips: ['0.0.0.0/0'] },
]

function render(rules: readonly FirewallRule[] | null): string {
  return renderFirewall(instance, 12, 'sk7-12', rules)
}

function allow(port: string | undefined, source = '0.0.0.0/0', protocol: FirewallRule['protocol'] = 'tcp'): string {
  return render([{ direction: 'in', protocol, ...(port === undefined ? {} : { port }), source_ips: [source] }])
}

describe('a firewall', () => {
  test('lets in what is listed and what belongs to it, and drops the rest', () => {
    assert.equal(
      render(everyKind),
      `add chain inet skerry7 server_12
flush chain inet skerry7 server_12
add element inet skerry7 firewalls { "sk7-12" : jump server_12 }
add rule inet skerry7 server_12 ct state established,related accept
add rule inet skerry7 server_12 meta nfproto ipv4 tcp dport 443 accept
add rule inet skerry7 server_12 meta nfproto ipv6 tcp dport 443 accept
add rule inet skerry7 server_12 ip saddr 192.0.2.0/24 tcp dport 22 accept
add rule inet skerry7 server_12 ip6 saddr 2001:db8::/32 tcp dport 22 accept
add rule inet skerry7 server_12 ip saddr 198.51.100.7/32 udp dport 5000-5010 accept
add rule inet skerry7 server_12 meta nfproto ipv4 meta l4proto { icmp, ipv6-icmp } accept
add rule inet skerry7 server_12 counter drop
`,
    )
  })

  test('without a rule lets nothing new in', () => {
    assert.deepEqual(render([]).match(/accept|drop/g), ['accept', 'drop'])
    assert.match(render([]), /ct state established,related accept/)
  })

  test('is what nftables takes, as often as it is set', { skip: cannotLoad }, async () => {
    const edge = await renderEdge(instance, 'eth0')
    const rules = [...everyKind, { ...everyKind[0], source_ips: ['192.0.2.1/24', '192.0.2.1/32'] } as FirewallRule]
    const input = [edge, render(rules), render(rules), render([]), render(null), render(null)].join('')
    await execa('unshare', ['--net', 'nft', '-f', '-'], { input })
  })

  test('that is taken away leaves neither a chain nor its element', () => {
    const lines = render(null).trimEnd().split('\n')
    assert.deepEqual(lines.slice(-2), [
      'delete element inet skerry7 firewalls { "sk7-12" : jump server_12 }',
      'delete chain inet skerry7 server_12',
    ])
    assert.doesNotMatch(render(null), /drop/)
  })

  for (const port of ['1', '65535', '1-65535', '80-80']) {
    test(`takes port ${port}`, () => assert.match(allow(port), / dport /))
  }

  for (const port of [undefined, '', '0', '65536', '80-', '-80', '90-80', '80,443', '80 accept\nadd', 'http']) {
    test(`refuses port ${JSON.stringify(port)}`, () => {
      assert.throws(() => allow(port), /is not a port such as/)
    })
  }

  for (const source of ['', '192.0.2.1', '192.0.2.0/33', '2001:db8::/129', '0.0.0.0/0 accept', 'any']) {
    test(`refuses source ${JSON.stringify(source)}`, () => {
      assert.throws(() => allow('80', source), /is not a CIDR such as/)
    })
  }
})
