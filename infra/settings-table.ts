import { z } from 'zod'
import { canonicalNetwork, networkMistake } from './networks.ts'
import { userMistake } from './users.ts'

/** One setting of a stack as `pulumi config` holds it: a string, or JSON text for lists and maps. */
export interface Setting<Value = unknown> {
  /** From the configured text (undefined: not set) to the checked value. */
  readonly schema: z.ZodType<Value, string | undefined>
  /** What may be set, for the person who set something else. */
  readonly allowed: string
  /** A value to set, for the command that a mistake is answered with. */
  readonly example: string
  /** That command, where it is not plainly `pulumi config set KEY EXAMPLE`. */
  readonly command?: string
  /** Kept encrypted in the stack's file, and its value never shown. */
  readonly secret?: true
}

const hostLabel = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const hostName = new RegExp(`^(?:${hostLabel}\\.)+(?!\\d+$)${hostLabel}$`)

/** Let's Encrypt's production directory (https://letsencrypt.org/docs/acme-protocol-updates/). */
const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory'

const locations = ['hel1', 'fsn1', 'nbg1', 'ash', 'hil', 'sin'] as const
export const images = ['debian-13', 'debian-12', 'ubuntu-24.04'] as const

/** Keeps the value's type while the entry is checked. */
const setting = <Value>(from: Setting<Value>): Setting<Value> => from
/** Parses JSON text; text that is none stays text, for the schema behind it to refuse. */
const json = z.string().transform((text): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
})

/** Adds one issue, in a sentence of our own, for every mistake found. */
const mistakesIn =
  <Value>(find: (value: Value) => readonly (string | undefined)[]) =>
  (value: Value, context: z.RefinementCtx): void => {
    for (const message of find(value)) if (message !== undefined) context.addIssue(message)
  }

const boolean = (fallback: 'true' | 'false') =>
  z
    .enum(['true', 'false'])
    .default(fallback)
    .transform((text) => text === 'true')

/** Every setting of the program. `Pulumi.prod.yaml` explains them. */
export const settingsTable = {
  hostname: setting({
    // Also the common name of the broker's certificate, which holds 64 characters (RFC 5280, ub-common-name-length).
    schema: z.string().max(64).regex(hostName),
    allowed: 'a full host name of at most 64 characters: lower-case letters, digits and hyphens, with a domain',
    example: 'mqtt.example.com',
  }),
  cloudflareZoneId: setting({
    schema: z.string().regex(/^[0-9a-f]{32}$/),
    allowed: "the 32 hexadecimal digits of the domain's zone, from its overview page in Cloudflare's dashboard",
    example: '0123456789abcdef0123456789abcdef',
  }),
  location: setting({
    schema: z.enum(locations).default('hel1'),
    allowed: `one of ${locations.join(', ')}`,
    example: 'hel1',
  }),
  serverType: setting({
    schema: z
      .string()
      .regex(/^(?:cx|cpx|cax|ccx)[1-9]\d$/)
      .default('cx23'),
    allowed: 'a Hetzner Cloud server type: cx.., cpx.., ccx.. (x86) or cax.. (ARM)',
    example: 'cx23',
  }),
  image: setting({
    schema: z.enum(images).default('debian-13'),
    allowed: `one of ${images.join(', ')}`,
    example: 'debian-13',
  }),
  volumeSize: setting({
    schema: z
      .string()
      .regex(/^[1-9]\d{1,4}$/)
      .default('10')
      .transform(Number)
      .pipe(z.int().max(10_240)),
    allowed: 'a whole number of gigabytes from 10 to 10240; a volume can grow, never shrink',
    example: '20',
  }),
  sshNetworks: setting({
    schema: json
      .pipe(z.array(z.string()).min(1).max(100))
      .superRefine(mistakesIn((networks) => networks.map(networkMistake)))
      .transform((networks) => [...new Set(networks.map(canonicalNetwork))]),
    allowed: 'a list of 1 to 100 networks in CIDR notation, those you deploy from',
    example: '["203.0.113.7/32"]',
    command: "pulumi config set --path 'skerry:sshNetworks[0]' 203.0.113.7/32",
  }),
  acmeEmail: setting({
    // Narrower than RFC 5321: it stands in a shell script's environment.
    schema: z.email().regex(/^[\w.+-]+@/),
    allowed: 'an e-mail address at which the certificate authority reaches you',
    example: 'operator@example.com',
  }),
  acmeDirectory: setting({
    schema: z
      .url({ protocol: /^https$/ })
      .regex(/^[\w.~:/?&=-]+$/)
      .default(letsEncrypt),
    allowed: 'the https URL of an ACME directory (RFC 8555, section 7.1.1)',
    example: letsEncrypt,
  }),
  caaIssuer: setting({
    schema: z.string().regex(hostName).optional(),
    allowed: "the issuer domain name of the ACME directory's authority (RFC 8659, section 4.2)",
    example: 'letsencrypt.org',
  }),
  plainMqtt: setting({
    schema: boolean('true'),
    allowed: 'true or false',
    example: 'false',
  }),
  acknowledge: setting({
    schema: z.enum(['synced', 'written']).default('synced'),
    allowed: 'synced, or written: a power cut then loses what was acknowledged in the last second',
    example: 'synced',
  }),
  users: setting({
    schema: json
      .pipe(z.record(z.string(), z.string()))
      .superRefine(mistakesIn((users) => Object.entries(users).map(([name, hash]) => userMistake(name, hash))))
      .default({}),
    allowed: 'a map from user name to a password hash as `npm run hash-password` prints it',
    example: '{}',
    command: 'npm run --silent hash-password | pulumi config set --secret --path skerry:users.gateway',
    secret: true,
  }),
  generation: setting({
    schema: z
      .string()
      .regex(/^[1-9]\d{0,5}$/)
      .default('1')
      .transform(Number),
    allowed: 'a whole number from 1 to 999999',
    example: '2',
  }),
  authorities: setting({
    schema: json
      .pipe(z.array(z.int().min(1).max(99)).min(1).max(3))
      .superRefine(
        mistakesIn((numbers) => [new Set(numbers).size < numbers.length ? 'a number is there twice' : undefined]),
      )
      .default([1]),
    allowed: 'a list of 1 to 3 different numbers from 1 to 99: the first authority signs, all are trusted',
    example: '2',
    command: "pulumi config set --path 'skerry:authorities[0]' 1",
  }),
  protect: setting({
    schema: boolean('true'),
    allowed: 'true or false',
    example: 'true',
  }),
}
