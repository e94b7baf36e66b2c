import { getConnInfo } from '@hono/node-server/conninfo'
import { type Context, Hono } from 'hono'
import { stringify } from 'yaml'
import { locationNamed } from './hetzner/catalogue.ts'
import type { Server } from './state.ts'
import type { CloudStore } from './store.ts'

export interface MetadataApiOptions {
  readonly store: CloudStore
}

/**
 * The metadata service under `/hetzner/v1`: every server reads about itself, told apart by the address that it asks from.
 * It must be served by `@hono/node-server`, which knows that address.
 */
export function createMetadataApi({ store }: MetadataApiOptions): Hono {
  const app = new Hono()
  const about = (render: (server: Server) => string) => (c: Context) => {
    const address = getConnInfo(c).remote.address?.replace(/^::ffff:/, '')
    const server = store.state.servers.find((candidate) => candidate.address === address)
    return server ? c.text(render(server)) : c.text('not found', 404)
  }
  app.get(
    '/hetzner/v1/userdata',
    about(({ userData }) => userData),
  )
  app.get(
    '/hetzner/v1/metadata',
    about((server) => stringify(metadataOf(server))),
  )
  for (const key of ['instance-id', 'hostname', 'public-ipv4', 'region'] as const) {
    app.get(
      `/hetzner/v1/metadata/${key}`,
      about((server) => String(metadataOf(server)[key])),
    )
  }
  return app
}

const metadataOf = (server: Server) => ({
  'instance-id': server.id,
  hostname: server.name,
  'public-ipv4': server.address,
  'local-ipv4': '',
  region: locationNamed(server.location).network_zone,
  'public-keys': server.sshKeys,
})
