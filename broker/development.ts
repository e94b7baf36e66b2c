import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { createAuthority } from './authority.ts'
import type { Door } from './connection.ts'
import { readCredentials } from './credentials.ts'
import { limits } from './limits.ts'
import { hashPassword } from './passwords.ts'
import { type Service, startService } from './service.ts'
import { listenKey, readSettings } from './settings.ts'

const directory = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'broker-development')
const doors: readonly Door[] = ['mqtt', 'mqtts', 'ws']
const defaults = {
  SKERRY_HOSTNAME: 'localhost',
  SKERRY_ADMINISTRATORS: 'admin',
  SKERRY_LISTEN_MQTT: '127.0.0.1:1883',
  SKERRY_LISTEN_MQTTS: '127.0.0.1:8883',
  SKERRY_LISTEN_WS: '127.0.0.1:8080',
  CREDENTIALS_DIRECTORY: directory,
}

/** The broker alone on this machine, with certificates and a password made for this run. */
async function main(): Promise<void> {
  const { settings, mistakes } = readSettings({ ...defaults, ...process.env }, process.pid)
  const { hostname, administrators, listeners } = settings
  if (mistakes.length > 0 || !administrators || !listeners) throw new Error(mistakes.join('\n'))
  const password = await writeCredentials()
  const read = await readCredentials(directory, { hostname, administrators, isProxyNeeded: false })
  if ('mistakes' in read) throw new Error(read.mistakes.join('\n'))

  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime })
  const service = await startService({ administrators, listeners, credentials: read.credentials, limits, logger })
  const stop = async () => {
    await service.stop()
    process.exit(0)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  process.stdout.write(instructions(service, password))
}

async function writeCredentials(): Promise<string> {
  const authority = await createAuthority()
  const addresses = ['127.0.0.1', '::1']
  const broker = await authority.issue({
    commonName: 'localhost',
    purposes: ['serverAuth'],
    dnsNames: ['localhost'],
    addresses,
  })
  const admin = await authority.issue({ commonName: 'admin', purposes: ['clientAuth'] })
  const password = randomBytes(12).toString('hex')
  const passwords = { try: await hashPassword(Buffer.from(password)) }
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const files = {
    'authorities.pem': authority.authorities,
    'broker.crt': broker.certificate,
    'broker.key': broker.privateKey,
    'admin.crt': admin.certificate,
    'admin.key': admin.privateKey,
    'passwords.json': JSON.stringify(passwords),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, { mode: 0o600 })
  return password
}

// Without a frame, so that the commands can be copied.
function instructions({ addresses }: Service, password: string): string {
  const port = (door: Door) => addresses.find((address) => address.door === door)?.port
  const rule = '─'.repeat(80)
  return `${rule}
Everything, as the administrator (certificate):
  cd ${directory}
  mosquitto_sub -h localhost -p ${port('mqtts')} -v -t '#' \\
    --cafile authorities.pem --cert admin.crt --key admin.key

Hello, as the user "try" (password; topics below try/ only):
  mosquitto_pub -h localhost -p ${port('mqtt')} -u try -P ${password} -t try/hello -m world

From a browser: ws://localhost:${port('ws')}/mqtt/, user "try", password ${password}

Other ports: ${doors.map(listenKey).join(', ')}, for example ${listenKey('mqtt')}=127.0.0.1:0
Stop: Ctrl+C
${rule}
`
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
})
