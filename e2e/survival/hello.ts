import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ports } from '../../infra/ports.ts'
import { resolvedAddresses } from '../cloud.ts'
import { askPage, assertAllTalk, families, leave, visit, visitAll } from '../families.ts'
import { knock } from '../ports.ts'
import { instance, onServer, sandbox } from '../sandbox.ts'

const minute = 60_000

/** @param release as /etc/os-release names it */
export function hello(release: string) {
  describe(`on ${release}, over IPv4 and IPv6`, { timeout: 3 * minute }, () => {
    test('that system has booted', async () => {
      assert.equal(await onServer('. /etc/os-release; echo "$ID-$VERSION_ID"'), release)
    })

    test('every door lets its clients in, and all of them talk', async () => {
      const visitors = await visitAll()
      try {
        await assertAllTalk(visitors)
      } finally {
        await leave(visitors)
      }
      for (const family of families) assert.equal(await askPage(family), 200, `IPv${family}`)
    })

    test('the ports of the list answer over IPv6 too, and 7443 keeps silent', async () => {
      const addresses = await resolvedAddresses()
      assert.equal(addresses[4], sandbox().address)
      const answers = await Promise.all(ports.map(({ number }) => knock(addresses[6], number, 2_000)))
      assert.deepEqual(
        answers,
        ports.map(() => 'open'),
      )
      assert.equal(await knock(addresses[6], 7443, 1_000), 'silent')
    })

    test('the broker knows its visitors by their addresses as people write them', async () => {
      for (const family of families) await assert.rejects(visit('mqtt', family, { password: 'wrong' }))
      for (const family of families) await assert.rejects(visit('mqtts', family, { cert: '', key: '' }))
      const journal = await onServer('journalctl --unit=skerry-broker.service --output=cat --no-pager')
      assert.doesNotMatch(journal, /::ffff:/i)
      for (const address of [instance.edge, instance.edge6]) {
        assert.ok(journal.includes(`"${address}"`), `${address} is not in the broker's log`)
      }
    })
  })
}
