import { type Output, output, type Resource, type ResourceTransformationArgs, runtime, secret } from '@pulumi/pulumi'
import type { Environment } from './environment.ts'
import { built, settings } from './fixtures.ts'
import { Confidential, type Registered } from './invariants.ts'
import type { Settings } from './settings.ts'

/** A resource as an engine would see it, and the options that it was made with. */
export interface Recorded extends Registered {
  readonly options: ResourceTransformationArgs['opts']
}

interface Run {
  readonly environment: Environment
  readonly resources: readonly Recorded[]
  readonly components: readonly { readonly type: string; readonly name: string }[]
}

/** How the SDK marks a secret on the wire: sdk/nodejs/runtime/rpc.ts of Pulumi, `specialSigKey` and `specialSecretSig`. */
const signatureKey = '4dabf18193072939515e22adb298388d'
const secretSignature = '1b47061264138c4ac30d75fd1eb44270'

const registered: Omit<Registered, 'protect'>[] = []

// Before the program is imported: its resources go to whichever monitor is set then.
await runtime.setMocks(
  {
    newResource({ type, name, inputs, custom }) {
      if (custom) registered.push({ type, name, inputs: marked(inputs) })
      return { id: String(1000 + registered.length), state: { ...inputs, ...outputsOf(type, name) } }
    },
    call: ({ inputs }) => inputs,
  },
  'skerry',
  'test',
)

/**
 * Runs the program against a monitor that creates nothing.
 *
 * @param changed what differs from the settings of the fixtures
 */
export async function record(changed: Partial<Settings> = {}): Promise<Run> {
  const { Environment } = await import('./environment.ts')
  registered.length = 0
  const made: ResourceTransformationArgs[] = []
  const transformations = [
    (one: ResourceTransformationArgs) => {
      made.push(one)
      return undefined
    },
  ]
  const arguments_ = { settings: { ...settings, ...changed }, stack: 'test', built }
  const environment = new Environment('skerry', arguments_, { transformations })
  await resolved(made.map(({ resource }) => (resource as Resource).urn))
  const optionsOf = ({ type, name }: Omit<Registered, 'protect'>) =>
    made.find((one) => one.type === type && one.name === name)?.opts ?? {}
  /** As the SDK does it: what a resource does not say, it has from its parent. */
  const isProtected = ({ protect, parent }: ResourceTransformationArgs['opts']): boolean => {
    const above = made.find(({ resource }) => parent !== undefined && resource === parent)
    return protect ?? (above !== undefined && isProtected(above.opts))
  }
  return {
    environment,
    resources: registered.map((one) => {
      const options = optionsOf(one)
      return { ...one, options, protect: isProtected(options) }
    }),
    components: made.filter(({ type }) => type.startsWith('skerry:')).map(({ type, name }) => ({ type, name })),
  }
}

/** The value of an output, once it is known. */
export function resolved<Value>(value: Value | Output<Value>): Promise<unknown> {
  return new Promise((resolve) => {
    output(value).apply(resolve)
  })
}

/** What the providers add to the inputs, as far as other resources use it. */
function outputsOf(type: string, name: string): Record<string, unknown> {
  const pem = (label: string, text: string) => `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`
  switch (type) {
    case 'tls:index/privateKey:PrivateKey':
      return {
        privateKeyPem: secret(pem('EC PRIVATE KEY', `key of ${name}`)),
        privateKeyOpenssh: secret(pem('OPENSSH PRIVATE KEY', `KeyOf${name}`)),
        publicKeyOpenssh: `ssh-ed25519 AAAA${name}\n`,
      }
    case 'tls:index/certRequest:CertRequest':
      return { certRequestPem: pem('CERTIFICATE REQUEST', `request of ${name}`) }
    case 'tls:index/selfSignedCert:SelfSignedCert':
    case 'tls:index/locallySignedCert:LocallySignedCert':
      return { certPem: pem('CERTIFICATE', `certificate of ${name}`) }
    case 'hcloud:index/primaryIp:PrimaryIp':
      return { ipAddress: name === 'ipv6' ? '2001:db8:3ea::' : '192.0.2.10' }
    default:
      return {}
  }
}

function marked(inputs: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => [key, isSecret(value) ? new Confidential(value.value) : value]),
  )
}

function isSecret(value: unknown): value is { value: unknown } {
  return typeof value === 'object' && value !== null && Reflect.get(value, signatureKey) === secretSignature
}
