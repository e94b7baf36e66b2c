import { Hono } from 'hono'
import { z } from 'zod'
import type { Server, Volume } from '../state.ts'
import { findByIdOrName, locationNamed, locations } from './catalogue.ts'
import { type Project, timestamp } from './context.ts'
import { HetznerError, invalidField } from './errors.ts'
import { body, byPath, changes, identifier, identifierOrName, labels, requireFreeName, resourceName } from './input.ts'
import { listing } from './listing.ts'
import { operate, requireUnlocked } from './operation.ts'

const size = z.int().min(10, 'must be at least 10').max(10_240, 'must be at most 10240')

const volumeName = resourceName.max(64, 'must not be longer than 64 characters')

const creation = z.object({
  name: volumeName,
  size,
  location: identifierOrName.optional(),
  server: identifier.optional(),
  format: z.enum(['ext4', 'xfs']).nullish(),
  automount: z.boolean().nullish(),
  labels: labels.default({}),
})

const fields = {
  id: ({ id }: Volume) => id,
  name: ({ name }: Volume) => name,
  status: ({ status }: Volume) => status,
  created: ({ created }: Volume) => created,
}

const reference = ({ id }: Volume) => [{ id, type: 'volume' as const }]

/** `/volumes`: disks that outlive the server that has them. */
export function volumeRoutes(project: Project): Hono {
  const { store, actions, datacenter, shortages, turns } = project
  const { state } = store
  const serverNumbered = (id: number): Server => {
    const server = state.servers.find((candidate) => candidate.id === id)
    if (!server) throw invalidField('server', `server with ID '${id}' not found`)
    return server
  }
  const attach = (volume: Volume, server: Server, automount: boolean) => {
    store.change(() => {
      volume.server = server.id
    })
    const undo = () => {
      volume.server = null
    }
    return operate(project, server, { command: 'attach_volume', resources: reference(volume), undo }, () =>
      turns.run(volume.id, () => datacenter.attachVolume(volume.id, server.id, automount)),
    )
  }
  return new Hono()
    .get('/', (c) => listing(c, 'volumes', state.volumes, fields, render))
    .get('/:id', (c) => c.json({ volume: render(byPath(c, 'volume', state.volumes)) }))
    .post('/', async (c) => {
      const input = await body(c, creation)
      const server = input.server === undefined ? undefined : serverNumbered(input.server)
      const location = findByIdOrName(locations, server?.location ?? input.location ?? '')
      if (!location) throw invalidField('location', 'must be a known location, or give a server')
      if (input.format === 'xfs')
        throw new HetznerError('unsupported_error', 'the sandbox formats volumes as ext4 only')
      if (input.automount && (!server || !input.format)) {
        throw invalidField('automount', 'needs a server and a format')
      }
      if (server) requireUnlocked(server)
      shortages.requireRoom('volume', state.volumes)
      requireFreeName('volume', input.name, state.volumes)
      const volume: Volume = {
        id: store.nextId(),
        name: input.name,
        labels: input.labels,
        created: timestamp(),
        size: input.size,
        status: 'creating',
        format: input.format ?? null,
        location: location.name,
        server: null,
        protected: false,
      }
      store.change(() => state.volumes.push(volume))
      const { id, size, format } = volume
      const made = actions.begin('create_volume', reference(volume), async () => {
        await turns.run(id, () => datacenter.createVolume({ id, size, format }))
        store.change(() => {
          volume.status = 'available'
        })
      })
      const next = server ? [attach(volume, server, input.automount === true)] : []
      return c.json({ volume: render(volume), action: made, next_actions: next }, 201)
    })
    .put('/:id', async (c) => {
      const input = await body(c, changes(volumeName))
      const volume = byPath(c, 'volume', state.volumes)
      if (input.name) requireFreeName('volume', input.name, state.volumes, volume.id)
      store.change(() => Object.assign(volume, input))
      return c.json({ volume: render(volume) })
    })
    .delete('/:id', async (c) => {
      const volume = byPath(c, 'volume', state.volumes)
      if (volume.protected) throw new HetznerError('protected', 'volume deletion is protected')
      if (volume.server !== null)
        throw new HetznerError('resource_in_use', `volume with ID '${volume.id}' is still attached`)
      await turns.run(volume.id, () => datacenter.deleteVolume(volume.id))
      store.change(() => {
        state.volumes = state.volumes.filter(({ id }) => id !== volume.id)
      })
      return c.body(null, 204)
    })
    .post('/:id/actions/attach', async (c) => {
      const input = await body(c, z.object({ server: identifier, automount: z.boolean().nullish() }))
      const volume = byPath(c, 'volume', state.volumes)
      const server = serverNumbered(input.server)
      if (volume.server !== null)
        throw new HetznerError('volume_already_attached', 'volume is already attached to a server')
      if (server.location !== volume.location)
        throw invalidField('server', 'server and volume must be in the same location')
      requireUnlocked(server)
      return c.json({ action: attach(volume, server, input.automount === true) }, 201)
    })
    .post('/:id/actions/detach', async (c) => {
      await body(c, z.object({}))
      const volume = byPath(c, 'volume', state.volumes)
      const server = state.servers.find(({ id }) => id === volume.server)
      if (!server) throw invalidField('id', 'volume is not attached to a server')
      requireUnlocked(server)
      const operation = { command: 'detach_volume', resources: reference(volume) }
      const action = operate(project, server, operation, async () => {
        await turns.run(volume.id, () => datacenter.detachVolume(volume.id))
        store.change(() => {
          volume.server = null
        })
      })
      return c.json({ action }, 201)
    })
    .post('/:id/actions/resize', async (c) => {
      const input = await body(c, z.object({ size }))
      const volume = byPath(c, 'volume', state.volumes)
      if (input.size <= volume.size) throw invalidField('size', 'must be larger than the volume is')
      const action = actions.begin('resize_volume', reference(volume), async () => {
        await turns.run(volume.id, () => datacenter.resizeVolume(volume.id, input.size))
        store.change(() => {
          volume.size = input.size
        })
      })
      return c.json({ action }, 201)
    })
    .post('/:id/actions/change_protection', async (c) => {
      const input = await body(c, z.object({ delete: z.boolean() }))
      const volume = byPath(c, 'volume', state.volumes)
      store.change(() => {
        volume.protected = input.delete
      })
      return c.json({ action: actions.done('change_protection', reference(volume)) }, 201)
    })
}

function render({ protected: isProtected, location, ...volume }: Volume) {
  return {
    ...volume,
    location: locationNamed(location),
    protection: { delete: isProtected },
    linux_device: `/dev/disk/by-id/scsi-0HC_Volume_${volume.id}`,
  }
}
