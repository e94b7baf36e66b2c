import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import type { Door } from './connection.ts'
import { type InheritedSocket, inheritedSockets } from './inherited-sockets.ts'
import { type Acknowledge, acknowledgements } from './store/store.ts'
import { isUsername, usernameRule } from './usernames.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a listener gets its socket: an address of its own, or one that systemd has opened. */
export type Binding = { readonly host: string; readonly port: number } | { readonly fd: number }

export interface ListenerSettings {
  readonly door: Door
  readonly binding: Binding
}

export interface Settings {
  readonly hostname: string
  readonly administrators: ReadonlySet<string>
  readonly credentialsDirectory: string
  /** Not needed to check the configuration. */
  readonly stateDirectory: string | undefined
  /** Which messages may be acknowledged. */
  readonly acknowledge: Acknowledge
  readonly listeners: readonly ListenerSettings[]
}

/** A setting as people meet it. */
interface Key<T> {
  readonly schema: z.ZodType<T>
  readonly allowed: string
  readonly example: string
}

const address = z.string().transform((text, context) => {
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain ?? ''
  if (isIP(host) === (bracketed === undefined ? 4 : 6) && Number(port) <= 65_535) return { host, port: Number(port) }
  context.addIssue({ code: 'custom', message: 'is not an address and port' })
  return z.NEVER
})
const loopbackAddress = address.refine(({ host }) => ipaddr.process(host).range() === 'loopback', 'is not on loopback')
const addressRule = 'an IP address and a port from 0 to 65535 (0: any free one)'

const hostname: Key<string> = {
  schema: z.string().regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/),
  allowed: 'a DNS name in lower case',
  example: 'mqtt.example.com',
}
const administrators: Key<string[]> = {
  schema: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .refine((names) => names.every(isUsername)),
  allowed: `usernames separated by commas, each ${usernameRule}`,
  example: 'admin,alice',
}
const credentialsDirectory: Key<string> = {
  schema: z.string().min(1),
  allowed: 'a directory with broker.crt, broker.key, authorities.pem, passwords.json and, for wss, proxy.crt',
  example: '/run/credentials/skerry-broker.service',
}
const stateDirectory: Key<string> = {
  schema: z.string().min(1),
  allowed: 'a directory for what the broker must not forget',
  example: '/var/lib/skerry',
}
const acknowledge: Key<Acknowledge> = {
  schema: z.enum(acknowledgements),
  allowed: 'synced, or written (a power cut then loses what was acknowledged in the last second)',
  example: 'synced',
}
const listening: Readonly<Record<Door, Key<{ host: string; port: number }>>> = {
  mqtt: { schema: address, allowed: addressRule, example: '127.0.0.1:1883' },
  mqtts: { schema: address, allowed: addressRule, example: '127.0.0.1:8883' },
  wss: { schema: address, allowed: addressRule, example: '127.0.0.1:7443' },
  ws: {
    schema: loopbackAddress,
    allowed: `${addressRule}, on loopback only, because it is for development`,
    example: '127.0.0.1:8080',
  },
}
const doors = ['mqtt', 'mqtts', 'wss', 'ws'] as const

/** What the settings give as far as they are right, and one sentence for each mistake in them. */
export interface ReadSettings {
  readonly settings: { readonly [Name in keyof Settings]: Settings[Name] | undefined }
  readonly mistakes: readonly string[]
}

/** Reads the broker's settings from the environment of the process with this id. */
export function readSettings(environment: Environment, processId: number): ReadSettings {
  const mistakes: string[] = []
  const read = <T>(name: string, key: Key<T>, isRequired: boolean): T | undefined => {
    const text = environment[name]
    if (text === undefined && !isRequired) return undefined
    const result = key.schema.safeParse(text)
    if (result.success) return result.data
    const problem = text === undefined ? 'is missing' : `cannot be ${JSON.stringify(text)}`
    mistakes.push(`${name} ${problem}. Allowed: ${key.allowed}. Example: ${name}=${key.example}`)
    return undefined
  }

  const names = read('SKERRY_ADMINISTRATORS', administrators, true)
  const settings = {
    hostname: read('SKERRY_HOSTNAME', hostname, true),
    administrators: names && new Set(names),
    credentialsDirectory: read('CREDENTIALS_DIRECTORY', credentialsDirectory, true),
    stateDirectory: read('STATE_DIRECTORY', stateDirectory, false),
    acknowledge:
      environment.SKERRY_ACKNOWLEDGE === undefined ? 'synced' : read('SKERRY_ACKNOWLEDGE', acknowledge, true),
    listeners: undefined as readonly ListenerSettings[] | undefined,
  }

  const listeners: ListenerSettings[] = []
  for (const door of doors) {
    const binding = read(listenKey(door), listening[door], false)
    if (binding) listeners.push({ door, binding })
  }
  const knownKeys = doors.map(listenKey)
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('SKERRY_LISTEN_') || knownKeys.includes(name)) continue
    mistakes.push(
      `${name} is not a setting. Allowed: ${knownKeys.join(', ')}. Example: SKERRY_LISTEN_MQTT=127.0.0.1:1883`,
    )
  }
  const inherited = inheritedSockets(environment, processId)
  if ('mistake' in inherited) mistakes.push(inherited.mistake)
  else listeners.push(...inherited.sockets.map(({ door, fd }: InheritedSocket) => ({ door, binding: { fd } })))
  if (listeners.length === 0 && mistakes.length === 0) {
    mistakes.push(
      `There is nothing to listen on. Set one of ${knownKeys.join(', ')}. Example: SKERRY_LISTEN_MQTT=127.0.0.1:1883`,
    )
  }
  return { settings: { ...settings, listeners }, mistakes }
}

/** The setting that says where a door listens. */
export function listenKey(door: Door): string {
  return `SKERRY_LISTEN_${door.toUpperCase()}`
}
