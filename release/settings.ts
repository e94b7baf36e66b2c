/** What a release is made for; the rest of it is the same everywhere. */
export interface ReleaseSettings {
  /** The server's public name. */
  readonly hostname: string
  /** URL of the ACME server's directory. */
  readonly acmeDirectory: string
  readonly acmeEmail: string
  /** Whether MQTT without TLS (1883) is offered. */
  readonly plainMqtt: boolean
  /** Which messages the broker may acknowledge: those on the disk, or those that the operating system has. */
  readonly acknowledge: 'synced' | 'written'
  /** Common names of the certificates that may do everything. */
  readonly administrators: readonly string[]
  readonly architecture: 'x86' | 'arm'
}

const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
const patterns = {
  hostname: new RegExp(`^(?=.{1,253}$)${label}(\\.${label})+$`),
  acmeDirectory: /^https:\/\/[A-Za-z0-9._~:/?=&@-]+$/,
  acmeEmail: /^[A-Za-z0-9_+][A-Za-z0-9._+-]*@[A-Za-z0-9.-]+$/,
  administrators: /^[A-Za-z0-9._@-]+$/,
}

/**
 * Refuses values that would mean something else in a unit, an nginx or a shell file.
 * @throws Error that names every such value
 */
export function checkSettings(settings: ReleaseSettings): void {
  const mistakes = (['hostname', 'acmeDirectory', 'acmeEmail', 'administrators'] as const).flatMap((name) =>
    [settings[name]]
      .flat()
      .filter((value) => !patterns[name].test(value))
      .map((value) => `${name} ${JSON.stringify(value)}`),
  )
  if (mistakes.length > 0) throw new Error(`a release cannot be built with these settings: ${mistakes.join(', ')}`)
}
