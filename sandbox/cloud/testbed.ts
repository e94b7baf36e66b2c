import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { Hono } from 'hono'
import { z } from 'zod'
import { createCloudflareApi } from './cloudflare/api.ts'
import { zoneId } from './cloudflare/zones.ts'
import { createHetznerApi } from './hetzner/api.ts'
import { RecordingDatacenter } from './recording-datacenter.ts'
import { CloudStore } from './store.ts'

export const hetznerToken = 'h'.repeat(64)
export const hetznerReader = 'r'.repeat(64)
export const cloudflareToken = 'c'.repeat(40)
export const cloudflareReader = 'd'.repeat(80)
const faultToken = 'f'.repeat(64)
export const zone = 'skerry.test'
export const zonePath = `/zones/${zoneId(zone)}`
export const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJhc2U2NCBvZiB0aGlydHktdHdvIGJ5dGVzISE deploy'

interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Parsed JSON; undefined for an empty body. */
  readonly json: unknown
}

type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

/** Both APIs on a recording machine room, the state in a directory that goes with the test. */
export function testCloud(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'skerry-cloud-'))
  const file = join(directory, 'state.json')
  const store = CloudStore.open(file)
  t.after(async () => {
    // An action that ends later would write the state, and with it the directory, once more.
    const deadline = Date.now() + 2_000
    while (store.state.actions.some(({ status }) => status === 'running') && Date.now() < deadline) await sleep(10)
    rmSync(directory, { recursive: true })
  })
  const datacenter = new RecordingDatacenter()
  const hetzner = createHetznerApi({
    ...{ store, datacenter, faultToken, token: hetznerToken, readOnlyToken: hetznerReader },
    ...{ network: '10.77.3.0/24', network6: 'fd3b:6c1e:a703::/48', architecture: 'x86' },
  })
  const cloudflare = createCloudflareApi({
    ...{ store, datacenter, faultToken, token: cloudflareToken, readOnlyToken: cloudflareReader, zone },
  })
  return {
    ...{ store, file, datacenter },
    hetzner: caller(hetzner, '/v1', hetznerToken),
    cloudflare: caller(cloudflare, '/client/v4', cloudflareToken),
    /** What tests may ask beside the providers' own paths. */
    administer: { hetzner: caller(hetzner, '', faultToken), cloudflare: caller(cloudflare, '', faultToken) },
    /** For what only a real connection shows. */
    hetznerApi: hetzner,
  }
}

export type TestCloud = ReturnType<typeof testCloud>

function caller(app: Hono, base: string, token: string): Call {
  return async (method, path, body, headers = {}) => {
    const response = await app.request(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) }
  }
}

/** Reads a value inside an answer: `at(answer, 'server', 'id')`. */
export function at(answer: Answer | { json: unknown }, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    answer.json,
  )
}

/** As `at`, for an identifier. */
export const idAt = (answer: Answer, ...path: (string | number)[]) =>
  z
    .int()
    .positive()
    .parse(at(answer, ...path))

const polled = z.object({ actions: z.array(z.object({ id: z.int(), status: z.string(), error: z.unknown() })) })

/** Polls actions as the genuine provider does, until none is running. */
export async function settled({ hetzner }: Pick<TestCloud, 'hetzner'>, ...ids: number[]) {
  const query = ids.map((id) => `id=${id}`).join('&')
  for (let round = 0; round < 1000; round++) {
    const { actions } = polled.parse((await hetzner('GET', `/actions?${query}&page=1&sort=status&sort=id`)).json)
    assert.equal(actions.length, ids.length, 'an action is missing')
    if (actions.every(({ status }) => status !== 'running')) return actions
    await turn()
  }
  return assert.fail('the actions do not end')
}

/** Orders a server and waits until it runs; extra fields go into the request. */
export async function runningServer(cloud: TestCloud, order: Record<string, unknown> = {}): Promise<number> {
  const answer = await cloud.hetzner('POST', '/servers', {
    name: 'mqtt',
    server_type: 'cx23',
    image: 'debian-13',
    location: 'hel1',
    ...order,
  })
  assert.equal(answer.status, 201, JSON.stringify(answer.json))
  await settled(cloud, idAt(answer, 'action', 'id'), idAt(answer, 'next_actions', 0, 'id'))
  return idAt(answer, 'server', 'id')
}

/** Asserts a refusal of the Hetzner API; with `field`, that this field is named. */
export function refused(answer: Answer, status: number, code: string, field?: string) {
  assert.deepEqual([answer.status, at(answer, 'error', 'code')], [status, code], JSON.stringify(answer.json))
  assert.equal(typeof at(answer, 'error', 'message'), 'string')
  if (field) assert.equal(at(answer, 'error', 'details', 'fields', 0, 'name'), field)
}

/** Asserts a refusal of the Cloudflare API. */
export function declined(answer: Answer, status: number, code: number) {
  assert.deepEqual([answer.status, at(answer, 'errors', 0, 'code')], [status, code], JSON.stringify(answer.json))
  assert.deepEqual([at(answer, 'success'), at(answer, 'result')], [false, null])
}
