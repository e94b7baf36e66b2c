import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { importCommand } from './adoption.ts'
import type { DnsRecord } from './cloudflare.ts'
import { judgeRecord, type WantedRecord } from './records.ts'

const urn = 'urn:pulumi:test::skerry::skerry:infra:Environment$skerry:infra:Dns$cloudflare:index/dnsRecord:DnsRecord::a'
const wanted: WantedRecord = { urn, zoneId: 'Z', name: 'mqtt.example.com', type: 'A', issuer: undefined }
const caa: WantedRecord = { ...wanted, type: 'CAA', issuer: 'letsencrypt.org' }
const record = (type: string, content: string, id = 'R'): DnsRecord => ({ id, type, name: wanted.name, content })
const issuing = (value: string, tag = 'issue'): DnsRecord => ({ ...record('CAA', ''), data: { tag, value } })

describe('an address record', () => {
  it('is made where the name has none of its type', () => {
    assert.deepEqual(judgeRecord(wanted, []), {})
    assert.deepEqual(judgeRecord(wanted, [record('AAAA', '2001:db8::1'), record('TXT', 'x'), issuing('a.b')]), {})
  })

  it('is refused beside another, with the command that adopts it', () => {
    const [refusal = '', ...more] = judgeRecord(wanted, [record('A', '192.0.2.1')]).refusals ?? []
    assert.deepEqual(more, [])
    assert.match(refusal, /^mqtt\.example\.com has an A record already, to 192\.0\.2\.1/)
    assert.match(refusal, /killed: npm run recover -- --stack test$/m)
    assert.ok(refusal.includes(importCommand(urn, 'Z/R')), refusal)
    assert.doesNotMatch(refusal, /more than one/)
  })

  it('is refused beside several, of which all but one must go', () => {
    const several = [record('A', '192.0.2.1', 'R1'), record('A', '192.0.2.2', 'R2'), record('A', '192.0.2.3', 'R3')]
    const [refusal = ''] = judgeRecord(wanted, several).refusals ?? []
    assert.ok(refusal.includes(importCommand(urn, 'Z/R1')), refusal)
    assert.match(refusal, /more than one \(192\.0\.2\.2, 192\.0\.2\.3\): delete those/)
  })

  it('is refused beside an alias, which cannot be adopted', () => {
    const [refusal = ''] = judgeRecord({ ...wanted, type: 'AAAA' }, [record('CNAME', 'old.example.com')]).refusals ?? []
    assert.match(refusal, /is an alias \(CNAME\) of old\.example\.com.*delete that record/)
    assert.doesNotMatch(refusal, /import/)
  })
})

describe('the CAA record', () => {
  it('is made where no other issues', () => {
    assert.deepEqual(judgeRecord(caa, []), {})
    assert.deepEqual(judgeRecord(caa, [record('CNAME', 'x'), issuing('mailto:x@y', 'iodef')]), {})
  })

  it('is adopted when it is there', () => {
    const { refusals, warnings } = judgeRecord(caa, [issuing('letsencrypt.org')])
    assert.ok(refusals?.join().includes(importCommand(urn, 'Z/R')))
    assert.equal(warnings, undefined)
  })

  it('goes beside those of others with a warning', () => {
    const { refusals, warnings } = judgeRecord(caa, [issuing('pki.goog'), issuing('letsencrypt.org', 'issuewild')])
    assert.equal(refusals, undefined)
    assert.match(warnings?.join() ?? '', /\(pki\.goog, letsencrypt\.org\): besides letsencrypt\.org these may issue/)
  })
})
