import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { ports } from '../infra/ports.ts'
import type { ArchiveFile } from './archive.ts'
import type { ReleaseSettings } from './settings.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const list = (directory: string): string[] => readdirSync(new URL(directory, root)).sort()

/** Every file of a release but the bundles, with its path in the release. */
export function configurationFiles(settings: ReleaseSettings): ArchiveFile[] {
  const { hostname, plainMqtt } = settings
  const fill = (path: string): string => fillPlaceholders(read(path), placeholders(settings))
  return [
    { path: 'apply', content: read('release/server/apply.sh'), executable: true },
    { path: 'volume', content: read('release/server/volume.sh'), executable: true },
    { path: 'acme/certificate', content: read('release/acme/certificate.sh'), executable: true },
    { path: 'acme/deployed', content: read('release/acme/deployed.sh'), executable: true },
    { path: 'acme/acme.env', content: environment(acmeEnvironment(settings)) },
    {
      path: 'broker.env',
      content: environment({
        SKERRY_HOSTNAME: hostname,
        SKERRY_ADMINISTRATORS: settings.administrators.join(','),
        SKERRY_ACKNOWLEDGE: settings.acknowledge,
      }),
    },
    {
      path: 'health.env',
      content: environment({ SKERRY_HOSTNAME: hostname, SKERRY_PLAIN_MQTT: plainMqtt ? '1' : '0' }),
    },
    { path: 'nftables.conf', content: read('cloud-init/files/nftables.nft') },
    { path: 'nftables/metadata.nft', content: read('cloud-init/files/metadata.nft') },
    { path: 'nftables/skerry.nft', content: fill('release/nftables/skerry.nft') },
    { path: 'nginx/nginx.conf', content: read('nginx/nginx.conf') },
    { path: 'nginx/skerry.conf', content: fill('nginx/site.conf') },
    ...list('nginx/www').map((name) => ({ path: `www/${name}`, content: fill(`nginx/www/${name}`) })),
    ...['mounts', 'drop-ins'].flatMap((directory) =>
      list(`release/${directory}`).map((name) => ({
        path: `${directory}/${name}`,
        content: read(`release/${directory}/${name}`),
      })),
    ),
    ...list('release/systemd')
      .filter((name) => plainMqtt || name !== 'skerry-mqtt.socket')
      .map((name) => ({ path: `systemd/${name}`, content: read(`release/systemd/${name}`) })),
  ]
}

function placeholders({ hostname, plainMqtt }: ReleaseSettings): Record<string, string> {
  const open = ports.filter((port) => plainMqtt || port.name !== 'mqtt').map((port) => port.number)
  const row = `<tr><th scope="row">MQTT</th><td><code>mqtt://${hostname}:1883</code></td><td>username and password</td></tr>\n`
  return { HOSTNAME: hostname, PORTS: open.join(', '), PLAIN_MQTT_ROW: plainMqtt ? row : '' }
}

function fillPlaceholders(text: string, values: Record<string, string>): string {
  return text.replaceAll(/@([A-Z][A-Z_]*)@/g, (placeholder, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`nothing fills the placeholder ${placeholder}`)
    return value
  })
}

function acmeEnvironment({ hostname, acmeDirectory, acmeEmail }: ReleaseSettings): Record<string, string> {
  // Another name or another CA is another certificate: certbot would keep the old one under the same name.
  const digest = createHash('sha256').update(`${hostname} ${acmeDirectory}`).digest('hex')
  return {
    SKERRY_HOSTNAME: hostname,
    SKERRY_ACME_DIRECTORY: acmeDirectory,
    SKERRY_ACME_EMAIL: acmeEmail,
    SKERRY_ACME_LINEAGE: `skerry-${digest.slice(0, 12)}`,
  }
}

/** Read by systemd and by bash: single quotes mean the same to both, and the checked settings hold none. */
function environment(variables: Record<string, string>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('')
}
