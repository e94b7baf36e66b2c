// On the server: the broker as a client sees it, on every listener. Exit 0, or 1 and a line for each that fails.
import { existsSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { isIPv6 } from 'node:net'
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

// IPv6 is looked at where the machine has it. The file is absent where the kernel has none.
const ipv6Addresses = '/proc/self/net/if_inet6'
const hasIpv6 = existsSync(ipv6Addresses) && readFileSync(ipv6Addresses, 'utf8').includes(`${'0'.repeat(31)}1 `)
const hosts = hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']

const checks = hosts.flatMap((host): [name: string, check: () => Promise<void>][] => [
  ...listeners(isIPv6(host) ? `[${host}]` : host).map((listener): [string, () => Promise<void>] => [
    `${listener.name} at ${host}`,
    () => probe(listener, healthUser),
  ]),
  [`80 (redirect to HTTPS) at ${host}`, () => redirects(host)],
])

const failures = (await Promise.all(checks.map(([name, check]) => persist(name, check)))).filter((line) => line !== '')
for (const line of failures) console.error(line)
process.exit(failures.length > 0 ? 1 : 0)

function listeners(host: string): Listener[] {
  return [
    {
      name: '8883 (MQTT over mutual TLS)',
      url: `mqtts://${host}:8883`,
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
      url: `wss://${host}/mqtt/`,
      // mqtt.js makes a URL of the hostname, and has taken the brackets of an IPv6 address off.
      options: { ...login, protocolVersion: 5, hostname: host, wsOptions: tlsWithoutTrust },
    },
    ...(process.env.SKERRY_PLAIN_MQTT === '1'
      ? [{ name: '1883 (MQTT)', url: `mqtt://${host}:1883`, options: { ...login, protocolVersion: 4 as const } }]
      : []),
  ]
}

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

function redirects(host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port: 80, headers: { host: hostname }, timeout: 5_000 }, (response) => {
      response.resume()
      const { statusCode, headers } = response
      if (statusCode === 301 && headers.location === `https://${hostname}/`) resolve()
      else reject(new Error(`answered ${statusCode} ${headers.location ?? ''} instead of 301 https://${hostname}/`))
    })
    request.on('timeout', () => request.destroy(new Error('no answer')))
    request.on('error', reject)
  })
}
