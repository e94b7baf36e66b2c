import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Connect, Publish } from '../protocol.ts'
import { type Doer, obeyInput, say } from './lines.ts'
import { doorOptions, filterOptions, propertyOptions, sessionOptions } from './mosquitto-options.ts'
import { MosquittoProcess, messageFormat } from './mosquitto-process.ts'

/**
 * Mosquitto's clients, told what to do on standard input. A client that is to receive is a mosquitto_sub, another one a
 * mosquitto_pub that waits for lines; each publication and each request is a program of its own.
 */

interface Client {
  readonly options: Connect
  readonly command: 'mosquitto_sub' | 'mosquitto_pub'
  readonly process: MosquittoProcess
}

const clients = new Map<string, Client>()
const directory = mkdtempSync(join(tmpdir(), 'skerry-mosquitto-'))
process.once('exit', () => rmSync(directory, { recursive: true }))

/** What lets a program that must name a topic do without one. */
const unused = () => `try/unused/${randomBytes(6).toString('hex')}`

/** As an argument, every process of this machine could read the password. */
function configurationFor({ username, password }: Connect): string {
  if (username === undefined || password === undefined) return directory
  const configuration = mkdtempSync(join(directory, 'user-'))
  for (const program of ['mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr']) {
    writeFileSync(join(configuration, program), `--username ${username}\n--pw ${password}\n`, { mode: 0o600 })
  }
  return configuration
}

async function start(name: string, options: Connect) {
  const { filters, subscribeProperties = {} } = options
  const command = filters ? 'mosquitto_sub' : 'mosquitto_pub'
  const hasFilters = filters !== undefined && filters.length > 0
  const purpose = hasFilters ? filterOptions(filters, subscribeProperties) : ['--topic', unused()]
  const args = [
    ...[...doorOptions(options), ...sessionOptions(options), ...purpose],
    ...(filters ? ['-F', messageFormat] : ['-l']),
  ]
  const started = new MosquittoProcess(command, args, configurationFor(options), {
    message: (message) => say({ client: name, message }),
    closed: (reasonCode) => say({ client: name, closed: reasonCode === undefined ? {} : { reasonCode } }),
  })
  clients.set(name, { options, command, process: started })
  const connected = await started.connected(filters !== undefined)
  return hasFilters ? connected : { ...connected, reasonCodes: [] }
}

function find(name: string): Client {
  const client = clients.get(name)
  if (!client) throw new Error(`there is no client ${name}`)
  return client
}

async function publish({ options }: Client, what: Publish): Promise<{ reasonCode: number }> {
  const { topic, payload, more, qos, retain, properties } = what
  const isEmpty = payload === '' && more.length === 0
  const result = await execa(
    'mosquitto_pub',
    [
      ...['-d', ...doorOptions(options), '--topic', topic, '--qos', `${qos}`, ...(retain ? ['--retain'] : [])],
      ...(options.version === 5 ? propertyOptions('publish', properties) : []),
      isEmpty ? '-n' : more.length > 0 ? '-l' : '-s',
    ],
    {
      env: { XDG_CONFIG_HOME: configurationFor(options) },
      ...(isEmpty ? { stdin: 'ignore' } : { input: [payload, ...more].join('\n') }),
      all: true,
      reject: false,
    },
  )
  const codes = [...result.all.matchAll(/received (?:PUBACK|PUBCOMP) \(Mid: \d+, RC:(\d+)\)/g)].map(([, code]) =>
    Number(code),
  )
  const expected = qos === 0 ? 0 : 1 + more.length
  if (result.exitCode !== 0 || codes.length !== expected) {
    throw new Error(`mosquitto_pub: ${result.all.trim().split('\n').slice(-2).join(' / ')}`)
  }
  return { reasonCode: codes.at(-1) ?? 0 }
}

const doer: Doer = {
  connect: start,
  reconnect: (name) => start(name, find(name).options),
  async subscribe() {
    throw new Error('mosquitto_sub subscribes only when it connects')
  },
  async unsubscribe() {
    throw new Error('mosquitto_sub unsubscribes only when it connects')
  },
  publish: (name, what) => publish(find(name), what),
  async request(name, { topic, responseTopic, payload }) {
    const { options } = find(name)
    const { stdout } = await execa(
      'mosquitto_rr',
      [...doorOptions(options), '--qos', '1', '-t', topic, '-e', responseTopic, '-m', payload],
      { env: { XDG_CONFIG_HOME: configurationFor(options) }, stdin: 'ignore' },
    )
    return { payload: stdout }
  },
  async disconnect(name) {
    const { process: running, command } = find(name)
    await running.leave(command)
    return {}
  },
  async lose(name) {
    await find(name).process.kill()
    return {}
  },
  async drop(name) {
    await clients.get(name)?.process.kill()
    clients.delete(name)
    return {}
  },
}

obeyInput(doer)
