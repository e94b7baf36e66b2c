// On the server, called by `skerry-release status`: what only the release knows, in one line each.
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { attemptsFile, parseAttempts } from './acme/attempts.ts'
import { describeCertificate } from './acme/description.ts'

const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)

const certificate = read('/etc/skerry/web/fullchain.pem')
const lineage = /^SKERRY_ACME_LINEAGE='(.*)'$/m.exec(read('/opt/skerry/current/acme/acme.env') ?? '')?.[1] ?? ''
const attempts = parseAttempts(read(attemptsFile) ?? '', lineage)
console.log(
  describeCertificate(certificate === undefined ? undefined : new X509Certificate(certificate), attempts, Date.now()),
)
