import { Hono } from 'hono'
import { z } from 'zod'
import type { Action, Firewall } from '../state.ts'
import { type Project, timestamp } from './context.ts'
import { HetznerError } from './errors.ts'
import { enforceable, renderRule, rulesInput, rulesOf } from './firewall-rules.ts'
import { body, byPath, changes, identifier, labels, requireFreeName, resourceName } from './input.ts'
import { listing } from './listing.ts'

const maximumFirewallsPerServer = 5

const resource = z.object({
  type: z.enum(['server', 'label_selector']),
  server: z.object({ id: identifier }).optional(),
})
const resources = z.array(resource)

const creation = z.object({
  name: resourceName,
  labels: labels.default({}),
  rules: rulesInput.default([]),
  apply_to: resources.default([]),
})

const fields = {
  id: ({ id }: Firewall) => id,
  name: ({ name }: Firewall) => name,
  created: ({ created }: Firewall) => created,
}

/** `/firewalls`: sets of inbound rules and the servers that they are applied to. */
export function firewallRoutes(project: Project): Hono {
  const { store, actions, shortages } = project
  const { state } = store
  return new Hono()
    .get('/', (c) => listing(c, 'firewalls', state.firewalls, fields, render))
    .get('/:id', (c) => c.json({ firewall: render(byPath(c, 'firewall', state.firewalls)) }))
    .post('/', async (c) => {
      const input = await body(c, creation)
      shortages.requireRoom('firewall', state.firewalls)
      requireFreeName('firewall', input.name, state.firewalls)
      const rules = enforceable(input.rules)
      const servers = applicable(project, input.apply_to)
      const { name, labels } = input
      const firewall: Firewall = { id: store.nextId(), name, labels, created: timestamp(), rules, servers }
      store.change(() => state.firewalls.push(firewall))
      return c.json({ firewall: render(firewall), actions: enforceOn(project, firewall, servers) }, 201)
    })
    .put('/:id', async (c) => {
      const input = await body(c, changes(resourceName))
      const firewall = byPath(c, 'firewall', state.firewalls)
      if (input.name) requireFreeName('firewall', input.name, state.firewalls, firewall.id)
      store.change(() => Object.assign(firewall, input))
      return c.json({ firewall: render(firewall) })
    })
    .delete('/:id', (c) => {
      const firewall = byPath(c, 'firewall', state.firewalls)
      if (firewall.servers.length > 0) {
        throw new HetznerError('resource_in_use', `firewall with ID '${firewall.id}' is still in use`)
      }
      store.change(() => state.firewalls.splice(state.firewalls.indexOf(firewall), 1))
      return c.body(null, 204)
    })
    .post('/:id/actions/set_rules', async (c) => {
      const input = await body(c, z.object({ rules: rulesInput }))
      const firewall = byPath(c, 'firewall', state.firewalls)
      const rules = enforceable(input.rules)
      store.change(() => {
        firewall.rules = rules
      })
      const set = actions.done('set_firewall_rules', [{ id: firewall.id, type: 'firewall' }])
      return c.json({ actions: [set, ...enforceOn(project, firewall, firewall.servers)] }, 201)
    })
    .post('/:id/actions/apply_to_resources', async (c) => {
      const input = await body(c, z.object({ apply_to: resources.min(1) }))
      const firewall = byPath(c, 'firewall', state.firewalls)
      const servers = applicable(project, input.apply_to)
      const twice = servers.find((id) => firewall.servers.includes(id))
      if (twice) throw new HetznerError('firewall_already_applied', `firewall is already applied to server '${twice}'`)
      store.change(() => firewall.servers.push(...servers))
      return c.json({ actions: enforceOn(project, firewall, servers) }, 201)
    })
    .post('/:id/actions/remove_from_resources', async (c) => {
      const input = await body(c, z.object({ remove_from: resources.min(1) }))
      const firewall = byPath(c, 'firewall', state.firewalls)
      const servers = named(project, input.remove_from).filter((id) => firewall.servers.includes(id))
      store.change(() => {
        firewall.servers = firewall.servers.filter((id) => !servers.includes(id))
      })
      return c.json({ actions: enforceOn(project, firewall, servers, 'remove_firewall') }, 201)
    })
}

function render({ servers, rules, ...firewall }: Firewall) {
  return {
    ...firewall,
    rules: rules.map(renderRule),
    applied_to: servers.map((id) => ({ type: 'server', server: { id } })),
  }
}

/** The servers that a request names. @throws HetznerError for a selector, and for a server that is not there */
function named({ store }: Project, given: z.output<typeof resources>): number[] {
  const ids = given.map(({ type, server }) => {
    if (type === 'label_selector') {
      throw new HetznerError(
        'unsupported_error',
        'the sandbox applies firewalls to servers only, not to label selectors',
      )
    }
    if (!store.state.servers.some(({ id }) => id === server?.id) || !server) {
      throw new HetznerError('firewall_resource_not_found', `server with ID '${server?.id}' not found`)
    }
    return server.id
  })
  return [...new Set(ids)]
}

/** As `named`, and each has room for one more firewall. */
function applicable(project: Project, given: z.output<typeof resources>): number[] {
  const servers = named(project, given)
  for (const server of servers) {
    const count = project.store.state.firewalls.filter((firewall) => firewall.servers.includes(server)).length
    if (count >= maximumFirewallsPerServer) {
      throw new HetznerError('resource_limit_exceeded', `a server has at most ${maximumFirewallsPerServer} firewalls`)
    }
  }
  return servers
}

/** One action for each server: it ends when the machine room enforces what holds then. */
function enforceOn(
  { store, datacenter, actions, turns }: Project,
  firewall: Firewall,
  servers: readonly number[],
  command = 'apply_firewall',
): Action[] {
  return servers.map((id) =>
    actions.begin(
      command,
      [
        { id, type: 'server' },
        { id: firewall.id, type: 'firewall' },
      ],
      () =>
        turns.run(id, async () => {
          const stands = store.state.servers.some((server) => server.id === id)
          if (stands) await datacenter.setFirewall(id, rulesOf(store.state, id))
        }),
    ),
  )
}
