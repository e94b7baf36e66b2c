import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { faultsHappened, forgetFaults, plan } from '../cloud.ts'
import { instance, run } from '../sandbox.ts'
import { changeSetting, failingUp, pendingOperations, pulumiUp } from '../stack.ts'

const minute = 60_000
const silent = { answer: 'timeout' } as const
const zone = '/client/v4/zones/*'

/** Both APIs take what is asked and never answer. */
export function timeouts() {
  describe('an up that waits for an answer which never comes', { timeout: 8 * minute }, () => {
    before(async () => {
      await changeSetting('skerry:sshNetworks', [`${instance.edge}/32`, `${instance.edge6}/128`, '198.51.100.0/24'])
      await changeSetting('skerry:caaIssuer', `other.${instance.zone}`)
    })
    after(forgetFaults)

    test('when it looks, before anything is changed, ends and says so', async () => {
      await plan({ ...silent, api: 'hetzner', method: 'POST', path: '/v1/ssh_keys', times: 3 })
      await plan({ ...silent, api: 'cloudflare', method: 'POST', path: `${zone}/dns_records`, times: 3 })
      const said = await failingUp(3 * minute)
      for (const api of ['Hetzner Cloud', 'Cloudflare']) {
        assert.match(
          said,
          new RegExp(`${api} cannot be reached at \\S+: no answer within 20 seconds\\. Nothing was changed`),
        )
      }
      assert.match(said, /look at this machine's network and try again/)
      await assertInOrder()
    })

    test('when it changes something, the same', async () => {
      await plan({ ...silent, api: 'hetzner', method: 'POST', path: '/v1/firewalls/*/actions/set_rules' })
      await plan({ ...silent, api: 'cloudflare', method: 'PUT', path: `${zone}/dns_records/*` })
      const said = await failingUp(3 * minute)
      assert.match(said, /Firewall .*set_rules has no answer/)
      assert.match(said, /DnsRecord .*dns_records\/\w+ has no answer/)
      await assertInOrder()
    })

    test('goes through the next time', async () => {
      assert.match((await pulumiUp()).stdout, /2 updated/)
      await changeSetting('skerry:caaIssuer', instance.acmeName)
      await pulumiUp()
      await run(['pulumi', 'preview', '--expect-no-changes'])
    })
  })
}

async function assertInOrder(): Promise<void> {
  await faultsHappened()
  assert.deepEqual(await pendingOperations(), [])
}
