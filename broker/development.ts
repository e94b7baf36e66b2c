import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { createAuthority } from './authority.ts'
import { loadEnvironmentFile } from './configuration.ts'
import type { Door } from './connection.ts'
import { limits } from './limits.ts'
import { hashPassword, parsePasswordHash } from './passwords.ts'
import { type Service, startService } from './service.ts'
import { listenKey, readSettings } from './settings.ts'

const directory = join(process.cwd(), 'dist', 'broker-development')
const doors: readonly Door[] = ['mqtt', 'mqtts', 'ws']
const listening = {
  SKERRY_LISTEN_MQTT: '127.0.0.1:1883',
  SKERRY_LISTEN_MQTTS: '127.0.0.1:8883',
  SKERRY_LISTEN_WS: '127.0.0.1:8080',
}
const fixed = {
  SKERRY_HOSTNAME: 'localhost',
  SKERRY_ADMINISTRATORS: 'admin',
  CREDENTIALS_DIRECTORY: directory,
  STATE_DIRECTORY: directory,
}

/** The broker alone on this machine, with certificates and a password made for this run. */
async function main(): Promise<void> {
  loadEnvironmentFile()
  const { settings, mistakes } = readSettings({ ...listening, ...process.env, ...fixed }, process.pid)
  const { administrators, listeners, acknowledge } = settings
  if (mistakes.length > 0 || !administrators || !listeners || !acknowledge) throw new Error(mistakes.join('\n'))

  const authority = await createAuthority()
  const addresses = ['127.0.0.1', '::1']
  const broker = await authority.issue({
    commonName: 'localhost',
    purposes: ['serverAuth'],
    dnsNames: ['localhost'],
    addresses,
  })
  const password = randomBytes(12).toString('hex')
  const hash = parsePasswordHash(await hashPassword(Buffer.from(password)))
  const credentials = {
    ...broker,
    authorities: authority.authorities,
    proxyCertificate: undefined,
    passwords: new Map(hash ? [['try', hash]] : []),
  }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime })
  const service = await startService({
    administrators,
    listeners,
    credentials,
    stateDirectory: directory,
    acknowledge,
    limits,
    logger,
  })
  const stop = async () => {
    await service.stop()
    process.exit(0)
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)

  // Only now: another one that has the ports keeps its files.
  const admin = await authority.issue({ commonName: 'admin', purposes: ['clientAuth'] })
  const files = {
    'authorities.pem': authority.authorities,
    'admin.crt': admin.certificate,
    'admin.key': admin.privateKey,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text, { mode: 0o600 })
  process.stdout.write(instructions(service, password))
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
