// On the server, called by `skerry-release status`: what only the release knows, in one line each.
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { attemptsFile, parseAttempts } from './acme/attempts.ts'
import { describeCertificate } from './acme/description.ts'

const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)

const volume = read('/etc/skerry/volume')?.trim()
if (volume !== undefined) console.log(describeVolume(volume))

const alarm = alarmOf('skerry-broker.service')
if (alarm !== '') console.log(`broker: ${alarm}; see journalctl --unit skerry-broker`)

const certificate = read('/etc/skerry/web/fullchain.pem')
const lineage = /^SKERRY_ACME_LINEAGE='(.*)'$/m.exec(read('/opt/skerry/current/acme/acme.env') ?? '')?.[1] ?? ''
const attempts = parseAttempts(read(attemptsFile) ?? '', lineage)
console.log(describeCertificate(parseCertificate(certificate), attempts, Date.now()))

function parseCertificate(pem: string | undefined): X509Certificate | undefined {
  try {
    return pem === undefined ? undefined : new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function describeVolume(id: string): string {
  const directory = `/mnt/HC_Volume_${id}`
  if (!isSame('/var/lib/skerry', `${directory}/skerry`)) {
    return `volume ${id} is MISSING: the broker does not start without its data; attach the volume and reboot the server`
  }
  const { bavail, bsize, blocks } = statfsSync(directory)
  const gibibytes = ((bavail * bsize) / 2 ** 30).toFixed(1)
  return `volume ${id} holds the data, ${gibibytes} GiB free (${Math.round((100 * bavail) / blocks)} %)`
}

/** What a service says is the matter, sd_notify(3); empty if nothing is. */
function alarmOf(unit: string): string {
  return execFileSync('systemctl', ['show', '--property=StatusText', '--value', unit], { encoding: 'utf8' }).trim()
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }))
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}
