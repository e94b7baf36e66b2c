/** What a release is made for; the rest of it is the same everywhere. */
export interface ReleaseSettings {
  /** The server's public name. */
  readonly hostname: string
  /** URL of the ACME server's directory. */
  readonly acmeDirectory: string
  readonly acmeEmail: string
  /** Whether MQTT without TLS (1883) is offered. */
  readonly plainMqtt: boolean
  /** Common names of the certificates that may do everything. */
  readonly administrators: readonly string[]
  readonly architecture: 'x86' | 'arm'
}

/**
 * Refuses values that would mean something else in a unit, an nginx or a shell file.
 * @throws Error that names every such value
 */
export function checkSettings(settings: ReleaseSettings): void {
  const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?'
  const rules: readonly [name: string, value: string, pattern: RegExp][] = [
    ['hostname', settings.hostname, new RegExp(`^(?=.{1,253}$)${label}(\\.${label})+$`)],
    ['acmeDirectory', settings.acmeDirectory, /^https:\/\/[A-Za-z0-9._~:/?=&@-]+$/],
    ['acmeEmail', settings.acmeEmail, /^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$/],
    ...settings.administrators.map((name) => ['administrators', name, /^[A-Za-z0-9._@-]+$/] as const),
  ].map(([name, value, pattern]) => [name as string, value as string, pattern as RegExp])
  const mistakes = rules.filter(([, value, pattern]) => !pattern.test(value))
  if (mistakes.length > 0) {
    const list = mistakes.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ')
    throw new Error(`a release cannot be built with these settings: ${list}`)
  }
}
