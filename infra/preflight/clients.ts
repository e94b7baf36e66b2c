import type { StackConfiguration } from '../settings.ts'
import { Cloudflare } from './cloudflare.ts'
import { Hetzner } from './hetzner.ts'

export interface Clients {
  readonly hetzner: Hetzner
  /** Cloudflare's client is for one zone. */
  cloudflare(zoneId: string): Cloudflare
}

/** The clients of both clouds, with addresses and tokens where the providers find theirs. */
export function clientsOf({ values, environment }: Pick<StackConfiguration, 'values' | 'environment'>): Clients {
  const value = (key: string, variable: string, fallback = '') =>
    (values[key] ?? environment[variable] ?? fallback).replace(/\/+$/, '')
  return {
    hetzner: new Hetzner(
      value('hcloud:endpoint', 'HCLOUD_ENDPOINT', 'https://api.hetzner.cloud/v1'),
      value('hcloud:token', 'HCLOUD_TOKEN'),
    ),
    cloudflare: (zoneId) =>
      new Cloudflare(
        value('cloudflare:baseUrl', 'CLOUDFLARE_BASE_URL', 'https://api.cloudflare.com/client/v4'),
        value('cloudflare:apiToken', 'CLOUDFLARE_API_TOKEN'),
        zoneId,
      ),
  }
}
