import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import type { LookupFunction } from 'node:net'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { resolvedAddresses } from './cloud.ts'
import { nextMessage, tryPassword } from './doors.ts'
import { sandbox } from './sandbox.ts'

export const families = [4, 6] as const
export type Family = (typeof families)[number]

const doors = ['mqtts', 'mqtt', 'wss'] as const
export type DoorName = (typeof doors)[number]

/** A client by the door and the kind of address that it came in by. */
export interface Visitor {
  readonly door: DoorName
  readonly family: Family
  readonly client: MqttClient
}

/** Resolves every name to this address, so that names in requests and certificates stay what they are. */
function resolveTo(address: string, family: Family): LookupFunction {
  return (_name, options, callback) => {
    // Later, as a true one: whoever asks is not ready for an error at once.
    setImmediate(() => {
      if (options.all) callback(null, [{ address, family }])
      else callback(null, address, family)
    })
  }
}

/** Connects through one door to the address that the name has in DNS; clean session, MQTT 5. */
export async function visit(door: DoorName, family: Family, options: IClientOptions = {}): Promise<Visitor> {
  const address = (await resolvedAddresses())[family]
  const { hostname, urls, caFile, acmeRootFile, adminCertificateFile, adminKeyFile, tryUser } = sandbox()
  const common: IClientOptions = { protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 20_000 }
  const user = { username: tryUser.name, password: await tryPassword() }
  const at = { host: address, hostname: address }
  const ways: Readonly<Record<DoorName, () => Promise<IClientOptions>>> = {
    mqtt: async () => ({ ...at, ...user }),
    mqtts: async () => ({
      ...{ ...at, servername: hostname, ca: await readFile(caFile, 'utf8') },
      ...{ cert: await readFile(adminCertificateFile, 'utf8'), key: await readFile(adminKeyFile, 'utf8') },
    }),
    wss: async () => ({
      ...user,
      wsOptions: { lookup: resolveTo(address, family), ca: await readFile(acmeRootFile, 'utf8') },
    }),
  }
  const client = await connectAsync(String(urls[door]), { ...common, ...(await ways[door]()), ...options }, false)
  return { door, family, client }
}

/** A client at every door, over both kinds of addresses. */
export async function visitAll(options: IClientOptions = {}): Promise<readonly Visitor[]> {
  const visits = families.flatMap((family) => doors.map((door) => visit(door, family, options)))
  const settled = await Promise.allSettled(visits)
  const visitors = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failures = settled.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
  if (failures.length > 0) await leave(visitors)
  assert.deepEqual(failures, [])
  return visitors
}

export async function leave(visitors: readonly Visitor[]): Promise<void> {
  await Promise.all(visitors.map(({ client }) => client.endAsync(true)))
}

/** Each says something, and all of them hear it: every door leads into one broker. */
export async function assertAllTalk(visitors: readonly Visitor[]): Promise<void> {
  await Promise.all(visitors.map(({ client }) => client.subscribeAsync('try/talk/#', { qos: 1 })))
  for (const { client, door, family } of visitors) {
    const topic = `try/talk/${door}${family}`
    const heard = Promise.all(visitors.map(({ client }) => nextMessage(client)))
    await client.publishAsync(topic, 'hello', { qos: 1 })
    assert.deepEqual(
      await heard,
      visitors.map(() => ({ topic, payload: 'hello' })),
    )
  }
}

/** Status code of the page over https. */
export async function askPage(family: Family): Promise<number | undefined> {
  const address = (await resolvedAddresses())[family]
  const ca = await readFile(sandbox().acmeRootFile, 'utf8')
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const asked = request(sandbox().urls.https, {
    ...{ agent: false, timeout: 20_000, ca, lookup: resolveTo(address, family) },
  })
  asked.once('response', (response) => {
    response.destroy()
    resolve(response.statusCode)
  })
  asked.once('timeout', () => asked.destroy(new Error('no answer within 20 seconds')))
  asked.once('error', reject)
  asked.end()
  return promise
}
