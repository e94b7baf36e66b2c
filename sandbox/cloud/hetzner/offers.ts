import { Hono } from 'hono'
import {
  type Image,
  images,
  locations,
  renderImage,
  renderServerType,
  type ServerType,
  serverTypes,
} from './catalogue.ts'
import type { Project } from './context.ts'
import { byPath } from './input.ts'
import { listing } from './listing.ts'

const byName = { id: ({ id }: { id: number }) => id, name: ({ name }: { name: string }) => name }

export const locationRoutes = () =>
  new Hono()
    .get('/', (c) => listing(c, 'locations', locations, byName, (location) => location))
    .get('/:id', (c) => c.json({ location: byPath(c, 'location', locations) }))

export function serverTypeRoutes({ architecture }: Project): Hono {
  const render = (type: ServerType) => renderServerType(type, architecture)
  return new Hono()
    .get('/', (c) => listing(c, 'server_types', serverTypes, byName, render))
    .get('/:id', (c) => c.json({ server_type: render(byPath(c, 'server type', serverTypes)) }))
}

export function imageRoutes(): Hono {
  const fields = {
    ...byName,
    architecture: ({ architecture }: Image) => architecture,
    type: () => 'system',
    status: () => 'available',
  }
  return new Hono()
    .get('/', (c) => listing(c, 'images', images, fields, renderImage))
    .get('/:id', (c) => c.json({ image: renderImage(byPath(c, 'image', images)) }))
}
