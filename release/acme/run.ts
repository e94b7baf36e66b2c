// On the server: asks for the web front's certificate until it is there; when there is one, certbot renews it if it is due.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { writeDurably } from '../durable-file.ts'
import { afterFailure, attemptsFile, parseAttempts, waitingTime } from './attempts.ts'
import { explainProblem, type Problem } from './problem.ts'
import { findUnreachable } from './reach.ts'

const setting = (name: string): string => process.env[name] ?? ''
const hostname = setting('SKERRY_HOSTNAME')
const directory = setting('SKERRY_ACME_DIRECTORY')
const lineage = setting('SKERRY_ACME_LINEAGE')
const log = '/var/log/letsencrypt/letsencrypt.log'
const deployed = '/opt/skerry/current/acme/deployed'

let attempts = existsSync(attemptsFile) ? parseAttempts(readFileSync(attemptsFile, 'utf8'), lineage) : undefined
while (true) {
  await pause(waitingTime(attempts, Date.now()))
  const problem = (await findUnreachable(directory)) ?? (await ask())
  if (!problem) break
  attempts = afterFailure(attempts, lineage, problem, Date.now())
  writeDurably(attemptsFile, JSON.stringify(attempts), 0o644)
  console.error(
    `no certificate for ${hostname} from ${directory}: ${problem.reason}. ` +
      `The next attempt is at ${new Date(attempts.next).toISOString()}; details: ${log}`,
  )
}
rmSync(attemptsFile, { force: true })

// Left undone when the last run ended between the certificate and its hook.
if (readlinkSync('/etc/skerry/web') !== `/etc/letsencrypt/live/${lineage}`) await promisify(execFile)(deployed)

async function ask(): Promise<Problem | undefined> {
  const parameters = [
    ...['certonly', '--non-interactive', '--agree-tos', '--email', setting('SKERRY_ACME_EMAIL'), '--server', directory],
    ...['--webroot', '--webroot-path', '/var/www/skerry-acme', '--domain', hostname, '--cert-name', lineage],
    ...['--keep-until-expiring', '--deploy-hook', deployed],
  ]
  try {
    await promisify(execFile)('certbot', parameters, { timeout: 300_000 })
    return undefined
  } catch (error) {
    const {
      stdout = '',
      stderr = '',
      killed,
      message,
    } = error as Error &
      Partial<Record<'stdout' | 'stderr', string>> & {
        killed?: boolean
      }
    if (killed) return { reason: 'certbot did not end within five minutes' }
    return explainProblem(`${stdout}\n${stderr}`.trim() || message, existsSync(log) ? readFileSync(log, 'utf8') : '')
  }
}
