import { closest, distance } from 'fastest-levenshtein'
import type { z } from 'zod'
import { credentialMistakes } from './credentials.ts'
import { found, type Mistake, mistakesReport } from './mistakes.ts'
import { type Setting, settingsTable } from './settings-table.ts'

/** A stack's configuration as the engine hands it over. */
export interface StackConfiguration {
  /** Full key (`skerry:hostname`) → text; lists and maps are JSON. */
  readonly values: Readonly<Record<string, string>>
  /** Full keys of what is encrypted in the stack's file. */
  readonly secretKeys: ReadonlySet<string>
  /** Environment variables, for the providers' tokens. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

type Table = typeof settingsTable
type Checked = { readonly [Name in keyof Table]: z.output<Table[Name]['schema']> }

/** The stack's settings, checked, with the defaults filled in. */
export interface Settings extends Checked {
  readonly caaIssuer: string
  /** Follows from the server type. */
  readonly architecture: 'x86' | 'arm'
}

const namespace = 'skerry:'
const issuerKey = `${namespace}caaIssuer`

/** ACME servers whose issuer domain name is known. */
const knownIssuers: Readonly<Record<string, string>> = {
  'acme-v02.api.letsencrypt.org': 'letsencrypt.org',
  'acme-staging-v02.api.letsencrypt.org': 'letsencrypt.org',
}

/**
 * Checks everything that a stack configures.
 *
 * @throws Error that names every mistake at once: key, what was found (never a secret), what is allowed, a command
 */
export function checkSettings(configuration: StackConfiguration): Settings {
  const mistakes: Mistake[] = [...unknownKeys(configuration), ...credentialMistakes(configuration)]
  const checked: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries<Setting>(settingsTable)) {
    const key = `${namespace}${name}`
    const value = configuration.values[key]
    const result = setting.schema.safeParse(value)
    const { allowed, command = setCommand(key, setting.example) } = setting
    if (result.success) checked[name] = result.data
    else mistakes.push({ key, problem: problem(setting, value, result.error), allowed, command })
    if (setting.secret && value !== undefined && !configuration.secretKeys.has(key)) {
      mistakes.push({ key, problem: 'is not encrypted', allowed, command })
    }
  }
  const settings = checked as Checked
  // Without a usable directory there is nothing to hold the issuer against.
  const knownIssuer = checked.acmeDirectory ? knownIssuers[new URL(settings.acmeDirectory).hostname] : undefined
  if (checked.acmeDirectory && (checked.caaIssuer || configuration.values[issuerKey] === undefined)) {
    mistakes.push(...issuerMistakes(settings.caaIssuer, knownIssuer))
  }
  const caaIssuer = settings.caaIssuer ?? knownIssuer
  if (mistakes.length > 0 || caaIssuer === undefined) throw new Error(mistakesReport(mistakes))
  return { ...settings, caaIssuer, architecture: settings.serverType.startsWith('cax') ? 'arm' : 'x86' }
}

function setCommand(key: string, example: string): string {
  return `pulumi config set ${key} ${example}`
}

function problem(setting: Setting, value: string | undefined, error: z.ZodError): string {
  if (value === undefined) return 'is missing'
  const own = error.issues.filter((issue) => issue.code === 'custom').map((issue) => issue.message)
  if (own.length > 0) return `is not usable: ${own.join('; ')}`
  return setting.secret ? 'is something else (not shown)' : `is ${found(value)}`
}

function unknownKeys({ values }: StackConfiguration): Mistake[] {
  const names = Object.keys(settingsTable)
  return Object.keys(values)
    .filter((key) => key.startsWith(namespace) && !names.includes(key.slice(namespace.length)))
    .map((key) => {
      const name = key.slice(namespace.length)
      const near = closest(name, names)
      const meant = distance(name, near) <= 3 ? ` (did you mean ${namespace}${near}?)` : ''
      return { key, problem: `is not a setting${meant}`, allowed: names.join(', '), command: `pulumi config rm ${key}` }
    })
}

function issuerMistakes(configured: string | undefined, known: string | undefined): Mistake[] {
  const { allowed, example } = settingsTable.caaIssuer
  if (known !== undefined && configured !== undefined && configured !== known) {
    const problem = `is ${found(configured)}, which forbids the authority of skerry:acmeDirectory to issue`
    return [{ key: issuerKey, problem, allowed: known, command: setCommand(issuerKey, known) }]
  }
  if (known === undefined && configured === undefined) {
    const problem = 'is missing, and which authority is behind skerry:acmeDirectory is not known'
    return [{ key: issuerKey, problem, allowed, command: setCommand(issuerKey, example) }]
  }
  return []
}
