import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { zoneId } from '../sandbox/cloud/cloudflare/zones.ts'
import { edgePorts } from '../sandbox/instance.ts'
import { sandboxTokens } from '../sandbox/tokens.ts'
import { eventually } from './eventually.ts'
import { instance, sandbox } from './sandbox.ts'

type Api = 'hetzner' | 'cloudflare'

/** A fault of an emulated API, as `/_faults` takes it. */
export interface Fault {
  readonly api: Api
  readonly method: string
  readonly path: string
  /** What the request's JSON has to say among other things. */
  readonly body?: Readonly<Record<string, string>>
  readonly times?: number
  readonly answer: unknown
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** One request to an emulated API with the stack's own token, as its owner could make it elsewhere. */
export async function ask(api: Api, method: string, path: string, body?: unknown): Promise<Answer> {
  return request(api, (await sandboxTokens(instance))[api], method, path, body)
}

/** Makes the next such request fail. */
export async function plan({ api, ...fault }: Fault): Promise<void> {
  const { status, body } = await administer(api, 'POST', fault)
  assert.equal(status, 201, JSON.stringify(body))
}

/** Throws until every planned fault has happened. */
export async function faultsHappened(): Promise<void> {
  for (const api of ['hetzner', 'cloudflare'] as const) {
    const { body } = await administer(api, 'GET')
    assert.deepEqual(body, { faults: [] })
  }
}

export async function forgetFaults(): Promise<void> {
  for (const api of ['hetzner', 'cloudflare'] as const) await administer(api, 'DELETE')
}

/** Takes stock and quota away from the project; `{}` gives all of it back. */
export async function takeAway(shortages: unknown): Promise<void> {
  const { status, body } = await request('hetzner', await faultToken(), 'PUT', '/_shortages', shortages)
  assert.equal(status, 200, JSON.stringify(body))
}

const faultToken = async () => (await sandboxTokens(instance)).faults

async function administer(api: Api, method: string, body?: unknown): Promise<Answer> {
  return request(api, await faultToken(), method, '/_faults', body)
}

async function request(api: Api, token: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`http://${instance.edge}:${edgePorts[api]}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
}

/** How many of each kind the project at Hetzner has. */
export async function countAtHetzner<Kind extends string>(kinds: readonly Kind[]) {
  const counts = kinds.map(async (kind) => {
    const { body } = await ask('hetzner', 'GET', `/v1/${kind}`)
    return [kind, (body[kind] as unknown[]).length] as const
  })
  return Object.fromEntries(await Promise.all(counts))
}

/** A server as the API shows it, as far as the tests look. */
interface Server {
  readonly id: number
  readonly status: string
  readonly image: { readonly name: string }
}

/** The one server of the project. */
export async function theServer(): Promise<Server> {
  const { body } = await ask('hetzner', 'GET', '/v1/servers')
  const [server, ...others] = body.servers as Server[]
  assert.deepEqual(others, [])
  assert.ok(server, 'there is no server')
  return server
}

/** An action of the API on the server; resolves when it has ended well. */
export async function actOnServer(action: 'reboot' | 'poweroff' | 'poweron'): Promise<void> {
  const { id } = await theServer()
  const { status, body } = await ask('hetzner', 'POST', `/v1/servers/${id}/actions/${action}`, {})
  assert.equal(status, 201, JSON.stringify(body))
  const { id: begun } = body.action as { id: number }
  await eventually(async () => {
    const { body } = await ask('hetzner', 'GET', `/v1/actions?id=${begun}`)
    assert.equal((body.actions as { status: string }[])[0]?.status, 'success')
  })
}

/** Where Cloudflare has the zone's records. */
export const dnsRecords = `/client/v4/zones/${zoneId(instance.zone)}/dns_records`

/** Deletes the one record of a type, as its owner could in the console. */
export async function deleteRecord(type: string): Promise<void> {
  const { body } = await ask('cloudflare', 'GET', dnsRecords)
  const found = (body.result as { id: string; type: string }[]).find((record) => record.type === type)
  assert.ok(found, `there is no ${type} record`)
  assert.equal((await ask('cloudflare', 'DELETE', `${dnsRecords}/${found.id}`)).status, 200)
}

/** The name's addresses, asked of the zone's name server. */
export async function resolvedAddresses(): Promise<{ 4: string; 6: string }> {
  const resolver = new Resolver()
  resolver.setServers([`${instance.edge}:${edgePorts.dns}`])
  const { hostname } = sandbox()
  const [v4, v6] = await Promise.all([resolver.resolve4(hostname), resolver.resolve6(hostname)])
  assert.deepEqual([v4.length, v6.length], [1, 1])
  return { 4: String(v4[0]), 6: String(v6[0]) }
}
