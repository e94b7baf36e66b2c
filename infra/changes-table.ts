/** What the engine says of one resource in a preview. */
export interface Step {
  readonly op: string
  readonly urn: string
}

/** One setting, changed, with what came of it. */
export interface Change {
  /** Without the namespace. */
  readonly setting: string
  readonly to: string
  readonly steps: readonly Step[]
  /** Why the preview failed; undefined: it did not. */
  readonly refusal: string | undefined
  /** What it means for those who use the server. */
  readonly meaning: string
}

const titles: Readonly<Record<string, string>> = {
  create: 'made',
  update: 'updated',
  replace: 'replaced',
  delete: 'deleted',
  again: 'done again',
}

/** Resources in words, where type and name say too little. */
const words: Readonly<Record<string, string>> = {
  'DnsRecord a': 'A record',
  'DnsRecord aaaa': 'AAAA record',
  'DnsRecord caa': 'CAA record',
  'PrimaryIp ipv4': 'IPv4 address',
  'PrimaryIp ipv6': 'IPv6 address',
  'Firewall firewall': 'firewall',
  'SshKey deploy': 'SSH key at Hetzner',
  'Server server': 'server',
  'Volume data': 'volume',
  'VolumeAttachment data': "volume's attachment",
  'Command cloud-init': 'wait for cloud-init',
  'CopyToRemote runtime': 'upload of the runtime',
  'CopyToRemote release': 'upload of the release',
  'Command apply': 'applying the release',
}

const certificates = /^LocallySignedCert (?!issuing)/
const authorities = /^(?:PrivateKey|SelfSignedCert|CertRequest|LocallySignedCert) (?:root|issuing)-ca-(\d+)$/
const requests = /^CertRequest (?!issuing)/

/** `updated: firewall, applying the release; replaced: server`, or what an `up` without work says. */
export function effect({ steps, refusal }: Pick<Change, 'steps' | 'refusal'>): string {
  if (refusal !== undefined) return 'refused'
  const groups = Object.entries(titles).map(([op, title]) => {
    const found = steps.filter((step) => operation(step) === op && isResource(step)).map(({ urn }) => inWords(urn))
    return found.length > 0 ? `${title}: ${[...new Set(found)].sort().join(', ')}` : undefined
  })
  return groups.filter((group) => group !== undefined).join('; ') || 'nothing'
}

/** Markdown: one row a change, the columns aligned. */
export function changesTable(changes: readonly Change[]): string {
  const heading = ['setting', 'changed to', 'what `up` does']
  const rows = changes.map((change) => [`\`${change.setting}\``, change.to, effect(change)])
  const cells = [heading, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[], filler = ' ') =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0, filler)).join(' | ')} |`
  const [first = [], ...others] = cells
  return [line(first), line(['', '', ''], '-'), ...others.map((row) => line(row))].join('\n')
}

/** Markdown: for each change a sentence or two. */
export function meanings(changes: readonly Change[]): string {
  return changes.map(({ setting, to, meaning }) => `- **\`${setting}\`**, ${to}: ${meaning}`).join('\n')
}

/** A command on the server is not a thing: it is run again, whether the engine calls that an update or a replacement. */
function operation({ op, urn }: Step): string {
  return urn.includes('$command:') && (op === 'update' || op === 'replace') ? 'again' : op
}

/** Components and the stack itself come and go with what is in them. */
function isResource({ urn }: Step): boolean {
  return !urn.includes('$skerry:infra:') || /\$(?:hcloud|cloudflare|tls|command):/.test(urn)
}

function inWords(urn: string): string {
  const [, , types = '', name = ''] = urn.split('::')
  const resource = `${types.split(':').at(-1)} ${name}`
  const [, number] = authorities.exec(resource) ?? []
  if (number !== undefined) return `authority ${number}`
  if (certificates.test(resource)) return `certificate of ${name}`
  if (requests.test(resource)) return `certificate request of ${name}`
  return words[resource] ?? resource
}
