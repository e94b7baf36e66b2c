import { Hono } from 'hono'
import { z } from 'zod'
import type { PrimaryIp, Server } from '../state.ts'
import { belongsTo, defaultPointer, freeIpv4, freeIpv6 } from './addresses.ts'
import { locationNamed, locations } from './catalogue.ts'
import { type Project, timestamp } from './context.ts'
import { HetznerError, invalidField } from './errors.ts'
import { body, byPath, changes, identifier, labels, requireFreeName, resourceName } from './input.ts'
import { listing } from './listing.ts'

const assigneeType = z.literal('server', 'must be server')

const creation = z.object({
  name: resourceName,
  type: z.enum(['ipv4', 'ipv6']),
  assignee_type: assigneeType.default('server'),
  assignee_id: identifier.nullish(),
  location: z.enum(locations.map(({ name }) => name) as [string, ...string[]], 'is not a known location').optional(),
  auto_delete: z.boolean().default(false),
  labels: labels.default({}),
})

const pointerInput = z.object({
  ip: z.string(),
  dns_ptr: z
    .string()
    .regex(/^(?=.{1,253}$)[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/, 'must be a valid hostname')
    .nullable(),
})

const fields = {
  id: ({ id }: PrimaryIp) => id,
  name: ({ name }: PrimaryIp) => name,
  ip: ({ address }: PrimaryIp) => address,
  type: ({ type }: PrimaryIp) => type,
  created: ({ created }: PrimaryIp) => created,
}

const reference = ({ id }: PrimaryIp) => [{ id, type: 'primary_ip' as const }]

/** `/primary_ips`: addresses that outlive the server that has them. */
export function primaryIpRoutes(project: Project): Hono {
  const { store, actions, shortages } = project
  const { state } = store
  return new Hono()
    .get('/', (c) => listing(c, 'primary_ips', state.primaryIps, fields, render))
    .get('/:id', (c) => c.json({ primary_ip: render(byPath(c, 'Primary IP', state.primaryIps)) }))
    .post('/', async (c) => {
      const input = await body(c, creation)
      if (input.assignee_id) {
        throw new HetznerError(
          'unsupported_error',
          'the sandbox gives an address to a server when the server is ordered',
        )
      }
      if (!input.location) throw invalidField('location', 'is required without assignee_id')
      shortages.requireRoom('primary_ip', state.primaryIps)
      requireFreeName('Primary IP', input.name, state.primaryIps)
      const { name, type, location, labels, auto_delete } = input
      const primary_ip = makePrimaryIp(project, { name, type, location, labels, auto_delete })
      store.change(() => state.primaryIps.push(primary_ip))
      return c.json({ primary_ip: render(primary_ip), action: null }, 201)
    })
    .put('/:id', async (c) => {
      const input = await body(c, changes(resourceName).extend({ auto_delete: z.boolean().optional() }))
      const primary_ip = byPath(c, 'Primary IP', state.primaryIps)
      if (input.name) requireFreeName('Primary IP', input.name, state.primaryIps, primary_ip.id)
      store.change(() => Object.assign(primary_ip, input))
      return c.json({ primary_ip: render(primary_ip) })
    })
    .delete('/:id', (c) => {
      const primaryIp = byPath(c, 'Primary IP', state.primaryIps)
      if (primaryIp.protected) throw new HetznerError('protected', 'Primary IP deletion is protected')
      requireStopped(serverOf(project, primaryIp))
      store.change(() => state.primaryIps.splice(state.primaryIps.indexOf(primaryIp), 1))
      return c.body(null, 204)
    })
    .post('/:id/actions/change_protection', async (c) => {
      const input = await body(c, z.object({ delete: z.boolean() }))
      const primaryIp = byPath(c, 'Primary IP', state.primaryIps)
      store.change(() => {
        primaryIp.protected = input.delete
      })
      return c.json({ action: actions.done('change_protection', reference(primaryIp)) }, 201)
    })
    .post('/:id/actions/change_dns_ptr', async (c) => {
      const { ip, dns_ptr } = await body(c, pointerInput)
      const primaryIp = byPath(c, 'Primary IP', state.primaryIps)
      if (!belongsTo(primaryIp, ip)) throw invalidField('ip', `does not belong to Primary IP '${primaryIp.id}'`)
      const value = dns_ptr ?? (primaryIp.type === 'ipv4' ? defaultPointer(ip) : null)
      const others = primaryIp.pointers.filter((pointer) => pointer.ip !== ip)
      if (others.length >= 100)
        throw new HetznerError('resource_limit_exceeded', 'a Primary IP has at most 100 pointers')
      store.change(() => {
        primaryIp.pointers = value === null ? others : [...others, { ip, dns_ptr: value }]
      })
      return c.json({ action: actions.done('change_dns_ptr', reference(primaryIp)) }, 201)
    })
    .post('/:id/actions/assign', async (c) => {
      const { assignee_id } = await body(c, z.object({ assignee_id: identifier, assignee_type: assigneeType }))
      const primaryIp = byPath(c, 'Primary IP', state.primaryIps)
      const server = state.servers.find(({ id }) => id === assignee_id)
      if (!server) throw invalidField('assignee_id', `server with ID '${assignee_id}' not found`)
      requireAssignable(project, primaryIp, server)
      store.change(() => {
        primaryIp.server = server.id
      })
      return c.json({ action: actions.done('assign_primary_ip', reference(primaryIp)) }, 201)
    })
    .post('/:id/actions/unassign', async (c) => {
      await body(c, z.object({}))
      const primaryIp = byPath(c, 'Primary IP', state.primaryIps)
      if (primaryIp.server === null) throw invalidField('id', `Primary IP '${primaryIp.id}' is not assigned`)
      requireStopped(serverOf(project, primaryIp))
      store.change(() => {
        primaryIp.server = null
      })
      return c.json({ action: actions.done('unassign_primary_ip', reference(primaryIp)) }, 201)
    })
}

/** A new Primary IP with a free address, named after its id where the order has no name; the caller puts it into the state. */
export function makePrimaryIp(
  { store, network, network6 }: Project,
  order: Pick<PrimaryIp, 'type' | 'location' | 'labels' | 'auto_delete'> & { name?: string },
): PrimaryIp {
  const id = store.nextId()
  const address = order.type === 'ipv4' ? freeIpv4(store.state, network) : freeIpv6(store.state, network6)
  const pointers = order.type === 'ipv4' ? [{ ip: address, dns_ptr: defaultPointer(address) }] : []
  return {
    name: `primary_ip-${id}`,
    ...order,
    id,
    address,
    created: timestamp(),
    server: null,
    protected: false,
    pointers,
  }
}

const serverOf = ({ store }: Project, { server }: PrimaryIp) => store.state.servers.find(({ id }) => id === server)

function requireStopped(server: Server | undefined) {
  if (server?.locked) throw new HetznerError('locked', `server with ID '${server.id}' is locked`)
  if (server && server.status !== 'off') {
    throw new HetznerError('server_not_stopped', `server with ID '${server.id}' must be off`)
  }
}

function requireAssignable({ store }: Project, primaryIp: PrimaryIp, server: Server) {
  if (primaryIp.server !== null) {
    throw new HetznerError('primary_ip_already_assigned', `Primary IP '${primaryIp.id}' is assigned to another server`)
  }
  if (primaryIp.location !== server.location) {
    throw new HetznerError('primary_ip_datacenter_mismatch', `Primary IP '${primaryIp.id}' is in another location`)
  }
  requireStopped(server)
  if (store.state.primaryIps.some((ip) => ip.server === server.id && ip.type === primaryIp.type)) {
    const code = primaryIp.type === 'ipv4' ? 'server_has_ipv4' : 'server_has_ipv6'
    throw new HetznerError(code, `server '${server.id}' already has an ${primaryIp.type} address`)
  }
  if (primaryIp.address !== (primaryIp.type === 'ipv4' ? server.address : server.network6)) {
    throw new HetznerError(
      'unsupported_error',
      'the sandbox cannot change the address of a server that was made: order it again',
    )
  }
}

function render({ server, protected: isProtected, address, pointers, location, ...primaryIp }: PrimaryIp) {
  return {
    ...primaryIp,
    ip: primaryIp.type === 'ipv6' ? `${address}/64` : address,
    assignee_id: server,
    assignee_type: 'server',
    blocked: false,
    dns_ptr: pointers,
    location: locationNamed(location),
    protection: { delete: isProtected },
  }
}
