import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DnsRecord } from '../cloud/datacenter.ts'
import { renderRecords } from './records.ts'

function record(type: DnsRecord['type'], content: string, name = 'mqtt.skerry.test'): DnsRecord {
  return { type, name, content }
}

describe('the records of a zone', () => {
  test('addresses are hosts, the rest is settings, both in a fixed order', () => {
    const records = [
      record('CNAME', 'mqtt.skerry.test', 'WWW.skerry.test'),
      record('AAAA', '2001:db8::1'),
      record('A', '10.77.0.10'),
      record('CAA', '0 issue "letsencrypt.org"'),
      record('A', '10.77.0.10'),
    ]
    const expected = {
      hosts: '10.77.0.10 mqtt.skerry.test\n2001:db8::1 mqtt.skerry.test\n',
      settings: `cname=www.skerry.test,mqtt.skerry.test
dns-rr=mqtt.skerry.test,257,00056973737565${Buffer.from('letsencrypt.org').toString('hex')}
`,
    }
    assert.deepEqual(renderRecords(records), expected)
    assert.deepEqual(renderRecords(records.toReversed()), expected)
  })

  test('a text of 255 bytes is one string, of 256 bytes two, and nothing in it is a setting', () => {
    const data = (content: string) =>
      renderRecords([record('TXT', content)])
        .settings.trimEnd()
        .split(',')[2]
    assert.equal(data('x'.repeat(255)), `ff${'78'.repeat(255)}`)
    assert.equal(data('x'.repeat(256)), `ff${'78'.repeat(255)}0178`)
    assert.equal(data(''), '00')
    assert.equal(data('a,"\n'), '04612c220a')
  })

  for (const wrong of [
    record('A', '10.77.0.256'),
    record('A', '::1'),
    record('AAAA', '10.77.0.1'),
    record('A', '10.77.0.1', 'mqtt.skerry.test\naddress=/#/6.6.6.6'),
    record('A', '10.77.0.1', `${'a'.repeat(64)}.test`),
    record('A', '10.77.0.1', `${'a.'.repeat(127)}aa`),
    record('A', '10.77.0.1', '*.skerry.test'),
    record('CNAME', 'other.test,60\nserver=6.6.6.6'),
    record('CAA', '256 issue "letsencrypt.org"'),
    record('CAA', '0 issue letsencrypt.org'),
  ]) {
    test(`refuses ${JSON.stringify(wrong).slice(0, 90)}`, () => {
      assert.throws(() => renderRecords([wrong]), /record|DNS name/)
    })
  }

  test('takes the longest label and name that there are', () => {
    const name = [...Array.from({ length: 3 }, () => 'a'.repeat(63)), 'a'.repeat(61)].join('.')
    assert.equal(name.length, 253)
    assert.equal(renderRecords([record('A', '10.77.0.1', name)]).hosts, `10.77.0.1 ${name}\n`)
  })
})
