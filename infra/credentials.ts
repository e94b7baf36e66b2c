import type { Mistake } from './mistakes.ts'
import type { StackConfiguration } from './settings.ts'

interface Credential {
  readonly key: string
  readonly variable: string
  readonly pattern: RegExp
  readonly allowed: string
}

/** The tokens of the providers: each from the stack (encrypted) or from the environment; only their form is looked at. */
const tokens: readonly Credential[] = [
  {
    key: 'hcloud:token',
    variable: 'HCLOUD_TOKEN',
    pattern: /^[A-Za-z0-9]{64}$/,
    allowed: 'the 64 letters and digits of a Hetzner Cloud API token with read and write access',
  },
  {
    key: 'cloudflare:apiToken',
    variable: 'CLOUDFLARE_API_TOKEN',
    pattern: /^[0-9A-Za-z_-]{40,80}$/,
    allowed: 'a Cloudflare API token (40 to 80 characters) that may edit DNS in the one zone',
  },
]

/**
 * Checks that the providers will find a token of the right form.
 *
 * @returns the mistakes; none shows a token
 */
export function credentialMistakes({ values, secretKeys, environment }: StackConfiguration): Mistake[] {
  return tokens.flatMap(({ key, variable, pattern, allowed }) => {
    const configured = values[key]
    const value = configured ?? environment[variable]
    const mistake = (problem: string): Mistake[] => [
      { key, problem, allowed, command: `pulumi config set --secret ${key}` },
    ]
    if (!value) return mistake(`is missing, and so is the environment variable ${variable}`)
    if (!pattern.test(value)) {
      return mistake(`${configured === undefined ? `(from ${variable}) ` : ''}does not look like a token (not shown)`)
    }
    return configured !== undefined && !secretKeys.has(key) ? mistake('is not encrypted') : []
  })
}
