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

/** Only servers of this machine's architecture can be had: the others are sold out everywhere. */
export const offer = ({ architecture, shortages }: Project, type: ServerType) =>
  renderServerType(type, (location) => type.architecture === architecture && !shortages.isSoldOut(type.name, location))

export function serverTypeRoutes(project: Project): Hono {
  const render = (type: ServerType) => offer(project, type)
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
