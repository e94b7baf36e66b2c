import { networkMistake } from './networks.ts'

/** One resource as the program registers it. */
export interface Registered {
  /** The provider's type token, `hcloud:index/server:Server`. */
  readonly type: string
  readonly name: string
  /** Plain values; a secret one is a {@link Confidential}, and so is whatever holds one. */
  readonly inputs: Readonly<Record<string, unknown>>
  /** Whether the engine refuses to delete it. */
  readonly protect: boolean
}

/** Marks a value that the engine keeps encrypted. */
export class Confidential {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

/** A sentence for each resource that breaks the rule. */
type Invariant = (resources: readonly Registered[]) => string[]

/** Hetzner Cloud's limit: https://docs.hetzner.cloud/reference/cloud#servers-create-a-server */
const largestUserData = 32 * 1024

/** What holds in every environment whatever its settings. */
export const invariants = {
  neverProxied: each('cloudflare:index/dnsRecord:DnsRecord', ({ inputs }) =>
    inputs.proxied === false ? [] : ["goes through Cloudflare's proxy, which carries no MQTT: proxied must be false"],
  ),

  sshNeverFromEverywhere: each('hcloud:index/firewall:Firewall', ({ inputs }) =>
    list(inputs.rules)
      .map(record)
      .filter((rule) => letsIn(rule, 22) && !list(rule.sourceIps).every(isNarrow))
      .map(() => 'opens SSH to the internet: only networks of operators may reach port 22'),
  ),

  firewallBeforeFirstBoot: each('hcloud:index/server:Server', ({ inputs }) =>
    list(inputs.firewallIds).length > 0 ? [] : ['boots without a firewall: firewallIds must name one'],
  ),

  addressOutlivesServer: each('hcloud:index/primaryIp:PrimaryIp', ({ inputs }) =>
    inputs.autoDelete === false ? [] : ['goes with its server: autoDelete must be false'],
  ),

  addressesAreOurs: each('hcloud:index/server:Server', ({ inputs }) =>
    list(inputs.publicNets)
      .map(record)
      .some(
        (net) =>
          net.ipv4Enabled === true && net.ipv4 !== undefined && net.ipv6Enabled === true && net.ipv6 !== undefined,
      )
      ? []
      : ['gets an address that is not in the stack: publicNets must name both Primary IPs'],
  ),

  nameLeadsToServer: each('cloudflare:index/dnsRecord:DnsRecord', ({ inputs }) =>
    inputs.type === 'AAAA' && String(inputs.content).endsWith('::')
      ? ['leads to the network, where nobody answers: the server is at its first address (::1)']
      : [],
  ),

  protectedByBoth: each(/^hcloud:index\/(?:primaryIp|volume):/, ({ inputs, protect }) =>
    (inputs.deleteProtection === true) === protect
      ? []
      : ['is protected by the engine or by Hetzner alone: protect and deleteProtection must be the same'],
  ),

  volumeFollowsServer: each('hcloud:index/volumeAttachment:VolumeAttachment', ({ inputs }) =>
    typeof inputs.serverId === 'number' && typeof inputs.volumeId === 'number'
      ? []
      : ['does not name a server and a volume of the stack'],
  ),

  trustProtectedAsOne: (resources: readonly Registered[]) => {
    const authorities = resources.filter(({ name, type }) => type.startsWith('tls:') && /-ca-\d+$/.test(name))
    const [first] = authorities
    return authorities
      .filter(({ protect }) => protect !== first?.protect)
      .map(({ type, name }) => `${type} "${name}": it is not protected as the other parts of an authority are`)
  },

  userDataSmall: each('hcloud:index/server:Server', ({ inputs }) => {
    const size = Buffer.byteLength(String(reveal(inputs.userData)))
    return size <= largestUserData ? [] : [`has ${size} bytes of user data: Hetzner takes at most ${largestUserData}`]
  }),

  userDataHoldsHostKeyOnly: each('hcloud:index/server:Server', ({ inputs }) => {
    const keys = String(reveal(inputs.userData)).match(/-----BEGIN [A-Z ]*PRIVATE KEY-----/g) ?? []
    return keys.every((begin) => begin.includes('OPENSSH')) && keys.length <= 1
      ? []
      : ['has another private key than the host key in its user data, which is readable on the server']
  }),

  userDataSecret: each('hcloud:index/server:Server', ({ inputs }) =>
    inputs.userData instanceof Confidential ? [] : ['has user data, and with it the host key, in plain text'],
  ),

  keysSecret: (resources: readonly Registered[]) =>
    resources.flatMap(({ type, name, inputs }) =>
      plainKeys(inputs).map((path) => `${type} "${name}": has a private key in plain text at ${path}`),
    ),

  hostKeyPinned: each(/^command:remote:/, ({ inputs }) => {
    const { hostKey } = record(reveal(inputs.connection))
    return typeof hostKey === 'string' && hostKey.startsWith('ssh-ed25519 ')
      ? []
      : ['connects to whoever answers: connection.hostKey must be the ed25519 host key']
  }),

  secretsNotLogged: each('command:remote:Command', ({ inputs }) => {
    if (inputs.stdin === undefined) return []
    const kept = inputs.stdin instanceof Confidential && inputs.logging === 'none'
    return kept ? [] : ['has input that is not kept confidential: stdin must be secret and logging "none"']
  }),

  commandsCarryNoSecret: each('command:remote:Command', ({ inputs }) =>
    ['create', 'update', 'delete', 'environment']
      .filter((field) => inputs[field] instanceof Confidential)
      .map((field) => `has a secret in ${field}, which every process on the server can read: pass it by stdin`),
  ),

  doneAgainOnNewServer: each(/^command:remote:/, ({ inputs }) =>
    list(reveal(inputs.triggers)).length > 0 ? [] : ['is not done again on a new server: triggers must carry its id'],
  ),

  issuingAuthorityEndsThere: each('tls:index/locallySignedCert:LocallySignedCert', ({ inputs }) =>
    inputs.isCaCertificate !== true || inputs.maxPathLength === 0
      ? []
      : ['could make further authorities: maxPathLength must be 0'],
  ),

  authoritiesNeverRenewedEarly: each(/^tls:index\/(?:selfSigned|locallySigned)Cert:/, ({ inputs }) =>
    inputs.isCaCertificate !== true || (inputs.earlyRenewalHours ?? 0) === 0
      ? []
      : ['is an authority that a routine `up` would remake: earlyRenewalHours must be 0'],
  ),

  certificatesIdentified: each(/^tls:index\/(?:selfSigned|locallySigned)Cert:/, ({ inputs }) =>
    inputs.setSubjectKeyId === true ? [] : ['has no subject key identifier (RFC 5280, section 4.2.1.2)'],
  ),
} satisfies Record<string, Invariant>

/** Every violation of every invariant, each in one sentence. */
export function violations(resources: readonly Registered[]): string[] {
  return Object.values(invariants).flatMap((invariant) => invariant(resources))
}

function each(type: string | RegExp, judge: (resource: Registered) => string[]): Invariant {
  return (resources) =>
    resources
      .filter((resource) => (typeof type === 'string' ? resource.type === type : type.test(resource.type)))
      .flatMap((resource) => judge(resource).map((sentence) => `${resource.type} "${resource.name}": it ${sentence}`))
}

function reveal(value: unknown): unknown {
  return value instanceof Confidential ? value.value : value
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function isNarrow(network: unknown): boolean {
  return typeof network === 'string' && networkMistake(network) === undefined
}

/** Whether a firewall rule lets TCP in on a port; `any`, ranges and a missing port included. */
function letsIn({ direction, protocol, port }: Record<string, unknown>, wanted: number): boolean {
  if (direction !== 'in' || protocol !== 'tcp') return false
  if (port === undefined || port === 'any') return true
  const [first, last = first] = String(port).split('-').map(Number)
  return first !== undefined && last !== undefined && first <= wanted && wanted <= last
}

/** Paths of private keys that are not confidential. */
function plainKeys(value: unknown, path = ''): string[] {
  if (value instanceof Confidential) return []
  if (typeof value === 'string') return value.includes('PRIVATE KEY-----') ? [path] : []
  return Object.entries(record(value)).flatMap(([key, inner]) => plainKeys(inner, path ? `${path}.${key}` : key))
}
