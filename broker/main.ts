import { execFile } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { readConfiguration } from './configuration.ts'
import { limits } from './limits.ts'
import { hashPassword } from './passwords.ts'
import { startService } from './service.ts'

const USAGE = `Usage: broker                  run, with settings from the environment or .env
       broker --check-config   check the settings and files, then exit
       broker hash-password    read a password on standard input, print its hash
`
const LONGEST_PASSWORD = 1_024

async function main([command, ...rest]: readonly string[]): Promise<void> {
  if (rest.length > 0) throw new Error(USAGE)
  switch (command) {
    case undefined:
      return await run()
    case '--check-config':
      await readConfiguration()
      process.stdout.write('The configuration is valid.\n')
      return
    case 'hash-password':
      process.stdout.write(`${await hashPassword(await readPassword())}\n`)
      return
    case '--help':
      process.stdout.write(USAGE)
      return
    default:
      throw new Error(USAGE)
  }
}

async function run(): Promise<void> {
  const { stateDirectory, ...configuration } = await readConfiguration()
  if (stateDirectory === undefined) {
    throw new Error(
      'STATE_DIRECTORY is missing: a directory for what the broker must not forget. Example: STATE_DIRECTORY=/var/lib/skerry',
    )
  }
  // `systemctl status` and `skerry-release status` show it.
  const onAlarm = (sentence: string) => void notify(`STATUS=${sentence}`).catch(() => {})
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime })
  const service = await startService({ ...configuration, stateDirectory, limits, logger, onAlarm })
  let stopping = false
  const stop = async (code: number) => {
    if (stopping) return
    stopping = true
    logger.info('stopping')
    await Promise.all([notify('STOPPING=1'), service.stop()])
    logger.info('stopped')
    process.exit(code)
  }
  process.on('SIGTERM', () => stop(0))
  process.on('SIGINT', () => stop(0))
  void service.storeIsBack.then(() => stop(1))
  logger.info({ listeners: service.addresses }, 'ready')
  await notify('READY=1')
}

/** Tells systemd about the service's state, where it is the one that started it, sd_notify(3). */
async function notify(state: string): Promise<void> {
  if (process.env.NOTIFY_SOCKET === undefined) return
  await promisify(execFile)('systemd-notify', [state])
}

async function readPassword(): Promise<Buffer> {
  const bytes = await buffer(process.stdin)
  const password = bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes
  if (password.length === 0 || password.length > LONGEST_PASSWORD) {
    throw new Error(`A password on standard input has 1 to ${LONGEST_PASSWORD} bytes, not ${password.length}.`)
  }
  return password
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exit(1)
})
