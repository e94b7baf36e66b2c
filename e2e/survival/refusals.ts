import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Fault, faultsHappened, forgetFaults, plan } from '../cloud.ts'
import { instance, run } from '../sandbox.ts'
import { changeSetting, failingUp, pendingOperations, pulumiUp } from '../stack.ts'

const minute = 60_000

interface Refusal {
  readonly fault: Fault
  readonly says: readonly RegExp[]
}

/** The look before anything is changed: an order that nobody can fulfil. */
const probe = { api: 'hetzner', method: 'POST', path: '/v1/ssh_keys' } as const
const recordProbe = { api: 'cloudflare', method: 'POST', path: '/client/v4/zones/*/dns_records' } as const
const rules = { api: 'hetzner', method: 'POST', path: '/v1/firewalls/*/actions/set_rules' } as const
const record = { api: 'cloudflare', method: 'PUT', path: '/client/v4/zones/*/dns_records/*' } as const

const hetzner = (status: number, code: string, message: string, details = {}) => ({
  status,
  body: { error: { code, message, details } },
})
const cloudflare = (status: number, code: number, message: string) => ({
  status,
  body: { success: false, errors: [{ code, message }], messages: [], result: null },
})

/** What the APIs can answer while the firewall or a record is being changed, and what a person then reads. */
const refusals: Readonly<Record<string, Refusal>> = {
  'Hetzner: 401, the token is not known': {
    fault: { ...probe, answer: hetzner(401, 'unauthorized', 'unable to authenticate') },
    says: [/does not know the token in hcloud:token/, /pulumi config set --secret hcloud:token/],
  },
  'Hetzner: 403, the token may only read': {
    fault: { ...probe, answer: hetzner(403, 'token_readonly', 'token is readonly') },
    says: [/may only read at Hetzner Cloud/, /pulumi config set --secret hcloud:token/],
  },
  'Hetzner: 429, and again 429': {
    fault: { ...probe, times: 3, answer: hetzner(429, 'rate_limit_exceeded', 'limit of 3600 requests per hour') },
    says: [/takes no further requests for now/, /try again in some minutes/],
  },
  'Hetzner: 500, and again 500': {
    fault: { ...probe, times: 3, answer: hetzner(500, 'server_error', 'internal error') },
    says: [/Hetzner Cloud does not work/, /status\.hetzner\.com/],
  },
  'Hetzner: nobody answers': {
    fault: { ...probe, times: 3, answer: 'close' },
    says: [/Hetzner Cloud cannot be reached/, /Nothing was changed there/],
  },
  'Hetzner: 409': {
    fault: { ...rules, answer: hetzner(409, 'resource_in_use', 'the firewall is being changed elsewhere') },
    says: [/Firewall/, /firewall is being changed elsewhere/, /resource_in_use/],
  },
  'Hetzner: 422 with the field that is wrong': {
    fault: {
      ...rules,
      answer: hetzner(422, 'invalid_input', 'invalid input in field', {
        fields: [{ name: 'rules[1].source_ips', messages: ['is not a network'] }],
      }),
    },
    says: [/Firewall/, /invalid_input/, /rules\[1\]\.source_ips/, /is not a network/],
  },
  'Hetzner: an action that fails': {
    fault: { ...rules, answer: { action: { code: 'action_failed', message: 'the firewall cannot be applied' } } },
    says: [/Firewall/, /the firewall cannot be applied/],
  },
  'Hetzner: the answer is lost on its way': {
    fault: { ...rules, answer: 'lost' },
    says: [/Firewall/, /no answer|cannot be reached/],
  },
  'Cloudflare: 401, the token is not known': {
    fault: { ...recordProbe, answer: cloudflare(401, 10_000, 'Authentication error') },
    says: [/does not know the token in cloudflare:apiToken/, /pulumi config set --secret cloudflare:apiToken/],
  },
  'Cloudflare: 403, the token may not edit': {
    fault: { ...recordProbe, answer: cloudflare(403, 10_000, 'Authentication error') },
    says: [/may not edit DNS in the zone/, /Zone → DNS → Edit/],
  },
  'Cloudflare: 400': {
    fault: { ...record, answer: cloudflare(400, 9005, 'Content for CAA record is invalid') },
    says: [/DnsRecord/, /Content for CAA record is invalid/],
  },
}

export function refused() {
  describe('an up that an API does not let through', { timeout: 6 * minute }, () => {
    before(async () => {
      await changeSetting('skerry:sshNetworks', [`${instance.edge}/32`, `${instance.edge6}/128`, '192.0.2.0/24'])
    })
    after(forgetFaults)

    for (const [name, refusal] of Object.entries(refusals)) {
      if (refusal.fault.api === 'hetzner') test(`${name}: says so`, () => assertSaid(refusal))
    }

    test('goes through the next time, whatever Hetzner said before', async () => {
      assert.match((await pulumiUp()).stdout, /1 updated/)
      await changeSetting('skerry:caaIssuer', `other.${instance.zone}`)
    })

    for (const [name, refusal] of Object.entries(refusals)) {
      if (refusal.fault.api === 'cloudflare') test(`${name}: says so`, () => assertSaid(refusal))
    }

    test('goes through the next time, whatever Cloudflare said before', async () => {
      assert.match((await pulumiUp()).stdout, /1 updated/)
      await changeSetting('skerry:caaIssuer', instance.acmeName)
      await pulumiUp()
      await run(['pulumi', 'preview', '--expect-no-changes'])
    })
  })
}

/** Fails when the fault does not stop the next up, or leaves no clear word or no clean state behind. */
async function assertSaid({ fault, says }: Refusal): Promise<void> {
  await plan(fault)
  const said = await failingUp()
  for (const pattern of says) assert.match(said, pattern)
  await faultsHappened()
  assert.deepEqual(await pendingOperations(), [])
}
