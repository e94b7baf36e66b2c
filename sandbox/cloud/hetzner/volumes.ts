import { Hono } from 'hono'
import { z } from 'zod'
import type { Server, Volume } from '../state.ts'
import { findByIdOrName, locationNamed, locations } from './catalogue.ts'
import { type Project, timestamp } from './context.ts'
import { HetznerError, invalidField } from './errors.ts'
import {
  body,
  byPath,
  changes,
  identifier,
  identifierOrName,
  labels,
  requireFreeName,
  requireRoom,
  resourceName,
} from './input.ts'
import { listing } from './listing.ts'

const size = z.int().min(10, 'must be at least 10').max(10_240, 'must be at most 10240')

const volumeName = resourceName.max(64, 'must not be longer than 64 characters')

const creation = z.object({
  name: volumeName,
  size,
  location: identifierOrName.optional(),
  server: identifier.optional(),
  format: z.enum(['ext4', 'xfs']).nullish(),
  automount: z.boolean().optional(),
  labels: labels.default({}),
})

const fields = {
  id: ({ id }: Volume) => id,
  name: ({ name }: Volume) => name,
  status: () => 'available',
  created: ({ created }: Volume) => created,
}

const reference = ({ id }: Volume) => [{ id, type: 'volume' as const }]

/** `/volumes`: kept as objects only; the machine room has no disks to plug in yet. */
export function volumeRoutes({ store, actions }: Project): Hono {
  const { state } = store
  const serverNumbered = (id: number): Server => {
    const server = state.servers.find((candidate) => candidate.id === id)
    if (!server) throw invalidField('server', `server with ID '${id}' not found`)
    return server
  }
  return new Hono()
    .get('/', (c) => listing(c, 'volumes', state.volumes, fields, render))
    .get('/:id', (c) => c.json({ volume: render(byPath(c, 'volume', state.volumes)) }))
    .post('/', async (c) => {
      const input = await body(c, creation)
      const server = input.server === undefined ? undefined : serverNumbered(input.server)
      const location = findByIdOrName(locations, server?.location ?? input.location ?? '')
      if (!location) throw invalidField('location', 'must be a known location, or give a server')
      requireRoom('volume', state.volumes)
      requireFreeName('volume', input.name, state.volumes)
      const volume: Volume = {
        id: store.nextId(),
        name: input.name,
        labels: input.labels,
        created: timestamp(),
        size: input.size,
        format: input.format ?? null,
        location: location.name,
        server: server?.id ?? null,
        protected: false,
      }
      store.change(() => state.volumes.push(volume))
      return c.json(
        { volume: render(volume), action: actions.done('create_volume', reference(volume)), next_actions: [] },
        201,
      )
    })
    .put('/:id', async (c) => {
      const input = await body(c, changes(volumeName))
      const volume = byPath(c, 'volume', state.volumes)
      if (input.name) requireFreeName('volume', input.name, state.volumes, volume.id)
      store.change(() => Object.assign(volume, input))
      return c.json({ volume: render(volume) })
    })
    .delete('/:id', (c) => {
      const volume = byPath(c, 'volume', state.volumes)
      if (volume.protected) throw new HetznerError('protected', 'volume deletion is protected')
      if (volume.server !== null)
        throw new HetznerError('resource_in_use', `volume with ID '${volume.id}' is still attached`)
      store.change(() => state.volumes.splice(state.volumes.indexOf(volume), 1))
      return c.body(null, 204)
    })
    .post('/:id/actions/attach', async (c) => {
      const input = await body(c, z.object({ server: identifier, automount: z.boolean().nullish() }))
      const volume = byPath(c, 'volume', state.volumes)
      const server = serverNumbered(input.server)
      if (volume.server !== null)
        throw new HetznerError('volume_already_attached', 'volume is already attached to a server')
      if (server.locked) throw new HetznerError('locked', `server with ID '${server.id}' is locked`)
      if (server.location !== volume.location)
        throw invalidField('server', 'server and volume must be in the same location')
      store.change(() => {
        volume.server = server.id
      })
      return c.json(
        { action: actions.done('attach_volume', [{ id: server.id, type: 'server' }, ...reference(volume)]) },
        201,
      )
    })
    .post('/:id/actions/detach', async (c) => {
      await body(c, z.object({}))
      const volume = byPath(c, 'volume', state.volumes)
      if (volume.server === null) throw invalidField('id', 'volume is not attached to a server')
      store.change(() => {
        volume.server = null
      })
      return c.json({ action: actions.done('detach_volume', reference(volume)) }, 201)
    })
    .post('/:id/actions/resize', async (c) => {
      const input = await body(c, z.object({ size }))
      const volume = byPath(c, 'volume', state.volumes)
      if (input.size <= volume.size) throw invalidField('size', 'must be larger than the volume is')
      store.change(() => {
        volume.size = input.size
      })
      return c.json({ action: actions.done('resize_volume', reference(volume)) }, 201)
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
    status: 'available',
    location: locationNamed(location),
    protection: { delete: isProtected },
    linux_device: `/dev/disk/by-id/scsi-0HC_Volume_${volume.id}`,
  }
}
