// On the server: the broker as a client sees it, on every listener. Exit 0, or 1 and a line for each that fails.
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ConnectionOptions } from 'node:tls'
import { healthUser } from './credentials.ts'
import { type Listener, probe } from './probe.ts'

const hostname = process.env.SKERRY_HOSTNAME ?? ''
const credential = (name: string): string => readFileSync(join(process.env.CREDENTIALS_DIRECTORY ?? '', name), 'utf8')
const login = { username: healthUser, password: credential('password') }

// The public certificate may still be self-signed; the connection does not leave this machine.
const tlsWithoutTrust: ConnectionOptions & { headers: Record<string, string> } = {
  servername: hostname,
  headers: { host: hostname },
  rejectUnauthorized: false,
}

const listeners: Listener[] = [
  {
    name: '8883 (MQTT over mutual TLS)',
    url: 'mqtts://127.0.0.1:8883',
    options: {
      protocolVersion: 5,
      servername: hostname,
      ca: credential('authorities.pem'),
      cert: credential('health.crt'),
      key: credential('health.key'),
    },
  },
  {
    name: '443 (MQTT over WebSocket)',
    url: 'wss://127.0.0.1/mqtt/',
    options: {
      ...login,
      protocolVersion: 5,
      wsOptions: tlsWithoutTrust,
    },
  },
  ...(process.env.SKERRY_PLAIN_MQTT === '1'
    ? [{ name: '1883 (MQTT)', url: 'mqtt://127.0.0.1:1883', options: { ...login, protocolVersion: 4 as const } }]
    : []),
]

const checks: [name: string, check: () => Promise<void>][] = [
  ...listeners.map((listener): [string, () => Promise<void>] => [listener.name, () => probe(listener, healthUser)]),
  ['80 (redirect to HTTPS)', redirects],
]

const failures = (await Promise.all(checks.map(([name, check]) => persist(name, check)))).filter((line) => line !== '')
for (const line of failures) console.error(line)
process.exit(failures.length > 0 ? 1 : 0)

/** A listener that was just started or reloaded gets some attempts, but no ten: the broker locks out who fails as often. */
async function persist(name: string, check: () => Promise<void>): Promise<string> {
  const deadline = Date.now() + 10_000
  while (true) {
    try {
      await check()
      return ''
    } catch (error) {
      if (Date.now() > deadline) return `${name}: ${error instanceof Error ? error.message || error.name : error}`
      await pause(1_000)
    }
  }
}

function redirects(): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port: 80, headers: { host: hostname }, timeout: 5_000 }, (response) => {
      response.resume()
      const { statusCode, headers } = response
      if (statusCode === 301 && headers.location === `https://${hostname}/`) resolve()
      else reject(new Error(`answered ${statusCode} ${headers.location ?? ''} instead of 301 https://${hostname}/`))
    })
    request.on('timeout', () => request.destroy(new Error('no answer')))
    request.on('error', reject)
  })
}
