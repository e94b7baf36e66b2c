import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ask, deleteRecord, dnsRecords, forgetFaults, plan, resolvedAddresses, takeAway, theServer } from '../cloud.ts'
import { eventually } from '../eventually.ts'
import { leave, visitAll } from '../families.ts'
import { run, sandbox, up } from '../sandbox.ts'
import { failingUp, pendingOperations, pulumiUp } from '../stack.ts'
import { followRemedies } from './remedies.ts'

const minute = 60_000

/** What others do to the stack's things, and what is no longer to be had. */
export function changedWorld() {
  describe('when the world has changed', { timeout: 6 * minute }, () => {
    after(async () => {
      await forgetFaults()
      await takeAway({})
    })

    test('a record that somebody deleted is made again by an up that looks', async () => {
      await deleteRecord('CAA')
      const { stdout } = await pulumiUp('--refresh')
      assert.match(stdout, /1 created/)
    })

    test('a record that somebody put in its place is not overwritten, and the command that is told adopts it', async () => {
      await deleteRecord('AAAA')
      const name = sandbox().hostname
      const foreign = { type: 'AAAA', name, content: '2001:db8::1', ttl: 300, proxied: false }
      assert.equal((await ask('cloudflare', 'POST', dnsRecords, foreign)).status, 200)
      await run(['pulumi', 'refresh', '--yes', '--skip-preview'])
      const said = await failingUp()
      assert.match(said, /has an AAAA record already, to 2001:db8::1/)
      await followRemedies(said)
      await pulumiUp()
      assert.notEqual((await resolvedAddresses())[6], '2001:db8::1')
    })

    test('a server that somebody deleted is made again after a refresh, and why it cannot be is told', async () => {
      const { id } = await theServer()
      await ask('hetzner', 'DELETE', `/v1/servers/${id}`)
      await eventually(async () => assert.equal((await ask('hetzner', 'GET', `/v1/servers/${id}`)).status, 404))
      await run(['pulumi', 'refresh', '--yes', '--skip-preview'])

      await takeAway({ sold_out: [{ server_type: 'cx23', location: 'hel1' }] })
      const soldOut = await failingUp()
      assert.match(soldOut, /serverType is cx23, which is sold out in hel1/)
      assert.match(soldOut, /pulumi config set skerry:serverType cx33/)

      await takeAway({ limits: { server: 0 } })
      assert.match(await failingUp(), /server limit reached/)
      await takeAway({})

      const body = { error: { code: 'uniqueness_error', message: 'server name is already used', details: {} } }
      await plan({ api: 'hetzner', method: 'POST', path: '/v1/servers', answer: { status: 409, body } })
      assert.match(await failingUp(), /server name is already used/)
      assert.deepEqual(await pendingOperations(), [])

      await up()
      await leave(await visitAll())
      await run(['pulumi', 'preview', '--expect-no-changes'])
    })
  })
}
