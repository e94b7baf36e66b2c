import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { Server } from '../state.ts'
import { findByIdOrName, serverTypeNamed, serverTypes } from './catalogue.ts'
import type { Project } from './context.ts'
import { HetznerError, invalidField } from './errors.ts'
import { body, byPath, identifierOrName } from './input.ts'
import { operate, requireUnlocked, requireUnprotected } from './operation.ts'
import { imageFor, userDataInput } from './server-order.ts'
import { build } from './servers.ts'

const typeChange = z.object({ server_type: identifierOrName, upgrade_disk: z.boolean() })
const rebuild = z.object({ image: identifierOrName, user_data: userDataInput.optional() })

/** `/servers/:id/actions/…` */
export function serverActionRoutes(project: Project): Hono {
  const { store, datacenter, actions } = project
  const find = (c: Context): Server => {
    const server = byPath(c, 'server', store.state.servers)
    requireUnlocked(server)
    return server
  }
  /** An action without arguments that leaves the server in `succeeded`. */
  const power =
    (command: string, succeeded: Server['status'], work: (server: Server) => Promise<void>) => async (c: Context) => {
      await body(c, z.object({}))
      const server = find(c)
      if (succeeded === 'running') requireIpv4(project, server)
      const during = succeeded === 'off' ? 'stopping' : 'starting'
      const operation = { command, during, succeeded, failed: 'unknown' } as const
      return c.json({ action: operate(project, server, operation, () => work(server)) }, 201)
    }
  return (
    new Hono()
      .post(
        '/:id/actions/poweron',
        power('start_server', 'running', ({ id }) => datacenter.powerOn(id)),
      )
      .post(
        '/:id/actions/poweroff',
        power('stop_server', 'off', ({ id }) => datacenter.powerOff(id)),
      )
      // the machine room knows no power button: pulling the plug is what is left of it
      .post(
        '/:id/actions/shutdown',
        power('shutdown_server', 'off', ({ id }) => datacenter.powerOff(id)),
      )
      .post(
        '/:id/actions/reboot',
        power('reboot_server', 'running', ({ id }) => datacenter.reboot(id)),
      )
      .post(
        '/:id/actions/reset',
        power('reset_server', 'running', async ({ id }) => {
          await datacenter.powerOff(id)
          await datacenter.powerOn(id)
        }),
      )
      .post('/:id/actions/change_type', async (c) => {
        const input = await body(c, typeChange)
        const server = find(c)
        const type = typeFor(project, server, input.server_type)
        requireIpv4(project, server)
        // as documented: the disk is copied and the server is started again
        const states = { during: 'starting', succeeded: 'running', failed: 'unknown' } as const
        const action = operate(project, server, { command: 'change_server_type', ...states }, async () => {
          store.change(() => {
            server.serverType = type.name
            if (input.upgrade_disk) server.diskSize = type.disk
          })
          await datacenter.powerOn(server.id)
        })
        return c.json({ action }, 201)
      })
      .post('/:id/actions/rebuild', async (c) => {
        const input = await body(c, rebuild)
        const server = find(c)
        requireUnprotected(server, 'rebuild')
        requireIpv4(project, server)
        const image = imageFor(input.image, serverTypeNamed(server.serverType))
        store.change(() => {
          server.image = image.id
          server.userData = input.user_data ?? server.userData
        })
        const states = { during: 'rebuilding', succeeded: 'running', failed: 'unknown' } as const
        const action = operate(project, server, { command: 'rebuild_server', ...states }, async () => {
          await datacenter.deleteServer(server.id)
          await build(project, server)
        })
        return c.json({ action, root_password: null }, 201)
      })
      .post('/:id/actions/change_protection', async (c) => {
        const input = await body(c, z.object({ delete: z.boolean().optional(), rebuild: z.boolean().optional() }))
        const server = find(c)
        const isProtected = input.delete ?? input.rebuild
        if (isProtected === undefined) throw invalidField('delete', 'is required')
        if (input.rebuild !== undefined && input.rebuild !== isProtected) {
          throw invalidField('rebuild', 'must be the same as delete')
        }
        store.change(() => {
          server.protected = isProtected
        })
        return c.json({ action: actions.done('change_protection', [{ id: server.id, type: 'server' }]) }, 201)
      })
  )
}

/** Its address may meanwhile be another server's. @throws HetznerError `unsupported_error` */
function requireIpv4({ store }: Project, { id }: Server) {
  if (store.state.primaryIps.some((ip) => ip.server === id && ip.type === 'ipv4')) return
  throw new HetznerError(
    'unsupported_error',
    'the sandbox starts no server without an IPv4 address: assign its Primary IP',
  )
}

/** The type that a server may change to. @throws HetznerError for one that does not fit, or a server that runs */
function typeFor({ architecture, shortages }: Project, server: Server, wanted: number | string) {
  const type = findByIdOrName(serverTypes, wanted)
  if (!type) throw invalidField('server_type', `server type '${wanted}' not found`)
  if (server.status !== 'off') {
    throw new HetznerError('server_not_stopped', `server with ID '${server.id}' must be off to change its type`)
  }
  if (type.name === server.serverType) throw invalidField('server_type', 'is the type that the server has')
  if (
    type.architecture !== serverTypeNamed(server.serverType).architecture ||
    !type.locations.includes(server.location)
  ) {
    throw new HetznerError('invalid_server_type', `server type '${type.name}' does not fit this server`)
  }
  if (type.disk < server.diskSize) {
    throw new HetznerError('invalid_server_type', `the disk of server type '${type.name}' is too small for this server`)
  }
  if (type.architecture !== architecture || shortages.isSoldOut(type.name, server.location)) {
    throw new HetznerError('resource_unavailable', `server type '${type.name}' is sold out in this location`)
  }
  return type
}
