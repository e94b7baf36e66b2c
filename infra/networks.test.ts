import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalNetwork, networkMistake } from './networks.ts'

describe('a network for SSH', () => {
  for (const network of [
    '203.0.113.7/32',
    '10.0.0.0/8',
    '192.168.0.0/16',
    '2001:db8::/32',
    '2001:db8::1/128',
    'fd00::/16',
  ]) {
    it(`takes ${network}`, () => assert.equal(networkMistake(network), undefined))
  }

  const refused: [string, RegExp][] = [
    ['0.0.0.0/0', /the whole internet.*\/8 or longer/],
    ['::/0', /the whole internet.*\/16 or longer/],
    ['0.0.0.0/1', /a great part of the internet/],
    ['128.0.0.0/1', /a great part of the internet/],
    ['12.0.0.0/7', /a great part of the internet/],
    ['2000::/15', /a great part of the internet/],
    ['203.0.113.7', /no prefix length.*203\.0\.113\.7\/32/],
    ['2001:db8::1', /no prefix length.*2001:db8::1\/128/],
    ['10.0.0.1/8', /bits set behind its prefix: write 10\.0\.0\.0\/8/],
    ['2001:db8::1/64', /write 2001:db8::\/64/],
    ['10.0/16', /not a network/],
    ['010.0.0.0/16', /not a network/],
    ['10.0.0.0/33', /not a network/],
    ['10.0.0.0/-1', /not a network/],
    ['10.0.0.0/', /not a network/],
    ['fe80::%eth0/64', /not a network/],
    ['office', /not a network/],
    ['', /not a network/],
  ]
  for (const [network, sentence] of refused) {
    it(`refuses "${network}"`, () => assert.match(networkMistake(network) ?? '', sentence))
  }

  it('has one spelling', () => {
    assert.equal(canonicalNetwork('2001:0DB8:0:0::/32'), '2001:db8::/32')
    assert.equal(canonicalNetwork('203.0.113.0/24'), '203.0.113.0/24')
  })
})
