import { Hono } from 'hono'
import type { PrimaryIp, Server, State } from '../state.ts'
import { imageNumbered, locationNamed, renderImage, serverTypeNamed } from './catalogue.ts'
import type { Project } from './context.ts'
import { rulesOf } from './firewall-rules.ts'
import { body, byPath, changes, requireFreeName, serverName } from './input.ts'
import { listing } from './listing.ts'
import { offer } from './offers.ts'
import { operate, requireUnlocked, requireUnprotected } from './operation.ts'
import { checkOrder, imageName, serverOrder } from './server-order.ts'

const fields = {
  id: ({ id }: Server) => id,
  name: ({ name }: Server) => name,
  status: ({ status }: Server) => status,
  created: ({ created }: Server) => created,
}

/** `/servers`: ordering, reading, renaming and deleting; what one does to a running one is in `server-actions.ts`. */
export function serverRoutes(project: Project): Hono {
  const { store, actions } = project
  const { state } = store
  const render = (server: Server) => renderServer(project, server)
  return new Hono()
    .get('/', (c) => listing(c, 'servers', state.servers, fields, render))
    .get('/:id', (c) => c.json({ server: render(byPath(c, 'server', state.servers)) }))
    .post('/', async (c) => {
      const { server, primaryIps, firewalls, volumes } = checkOrder(project, await body(c, serverOrder))
      store.change(() => {
        state.servers.push(server)
        for (const ip of primaryIps) {
          if (!state.primaryIps.includes(ip)) state.primaryIps.push(ip)
          ip.server = server.id
        }
        for (const firewall of firewalls) firewall.servers.push(server.id)
        for (const volume of volumes) volume.server = server.id
      })
      const start = actions.start('start_server', [{ id: server.id, type: 'server' }])
      const operation = { command: 'create_server', alongside: [start], succeeded: 'running', failed: 'off' } as const
      const action = operate(project, server, operation, () => build(project, server))
      // a password is only made for servers without a key, and only mailed: the sandbox has neither
      return c.json({ server: render(server), action, next_actions: [start], root_password: null }, 201)
    })
    .put('/:id', async (c) => {
      const input = await body(c, changes(serverName))
      const server = byPath(c, 'server', state.servers)
      if (input.name) requireFreeName('server', input.name, state.servers, server.id)
      store.change(() => Object.assign(server, input))
      return c.json({ server: render(server) })
    })
    .delete('/:id', (c) => {
      const server = byPath(c, 'server', state.servers)
      requireUnprotected(server, 'deletion')
      requireUnlocked(server)
      const operation = { command: 'delete_server', during: 'deleting', failed: 'unknown' } as const
      const action = operate(project, server, operation, async () => {
        await project.datacenter.deleteServer(server.id)
        store.change(() => forget(state, server.id))
      })
      return c.json({ action })
    })
}

/** Has the machine made as it was ordered, with the rules that hold and the volumes that it has now. */
export async function build({ store, datacenter, turns }: Project, server: Server): Promise<void> {
  await datacenter.createServer({
    id: server.id,
    name: server.name,
    image: imageName(server.image),
    ipv4: server.address,
    ipv6: server.network6,
    userData: server.userData,
    sshKeys: server.sshKeys,
    rules: rulesOf(store.state, server.id),
  })
  for (const volume of store.state.volumes) {
    if (volume.server !== server.id) continue
    await turns.run(volume.id, () => datacenter.attachVolume(volume.id, server.id, false))
  }
}

/** Frees everything that the server had; addresses that were made with it go with it. */
function forget(state: State, id: number) {
  state.servers = state.servers.filter((server) => server.id !== id)
  state.primaryIps = state.primaryIps.filter((ip) => ip.server !== id || !ip.auto_delete)
  for (const ip of state.primaryIps) if (ip.server === id) ip.server = null
  for (const volume of state.volumes) if (volume.server === id) volume.server = null
  for (const firewall of state.firewalls) firewall.servers = firewall.servers.filter((server) => server !== id)
}

/** A server as the API shows it. */
function renderServer(project: Project, server: Server) {
  const { state } = project.store
  const primaryIps = state.primaryIps.filter((ip) => ip.server === server.id)
  const type = serverTypeNamed(server.serverType)
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    created: server.created,
    public_net: {
      ipv4: renderIpv4(primaryIps.find((ip) => ip.type === 'ipv4')),
      ipv6: renderIpv6(primaryIps.find((ip) => ip.type === 'ipv6')),
      floating_ips: [],
      firewalls: state.firewalls
        .filter(({ servers }) => servers.includes(server.id))
        .map(({ id }) => ({ id, status: server.status === 'initializing' ? 'pending' : 'applied' })),
    },
    private_net: [],
    server_type: offer(project, type),
    location: locationNamed(server.location),
    image: renderImage(imageNumbered(server.image)),
    iso: null,
    rescue_enabled: false,
    locked: server.locked,
    backup_window: null,
    outgoing_traffic: null,
    ingoing_traffic: null,
    included_traffic: 20 * 1024 ** 4,
    primary_disk_size: server.diskSize,
    protection: { delete: server.protected, rebuild: server.protected },
    labels: server.labels,
    volumes: state.volumes.filter((volume) => volume.server === server.id).map(({ id }) => id),
    load_balancers: [],
    placement_group: null,
  }
}

const renderIpv4 = (ip: PrimaryIp | undefined) =>
  ip ? { id: ip.id, ip: ip.address, blocked: false, dns_ptr: ip.pointers[0]?.dns_ptr ?? null } : null

const renderIpv6 = (ip: PrimaryIp | undefined) =>
  ip ? { id: ip.id, ip: `${ip.address}/64`, blocked: false, dns_ptr: ip.pointers } : null
