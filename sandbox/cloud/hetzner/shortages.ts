import { Hono } from 'hono'
import { z } from 'zod'
import { serverTypes } from './catalogue.ts'
import { HetznerError } from './errors.ts'

/** Most objects of one kind that the emulated project may hold. */
const usualLimit = 100

const limit = z.int().min(0).max(usualLimit).optional()

/** What a test takes away from the project; whatever it does not name is as usual. */
const shortagesInput = z.strictObject({
  /** Most objects of a kind. */
  limits: z
    .strictObject({ server: limit, primary_ip: limit, volume: limit, firewall: limit, ssh_key: limit })
    .default({}),
  /** Server types that a location has run out of. */
  sold_out: z
    .array(
      z.strictObject({
        server_type: z.enum(serverTypes.map(({ name }) => name) as [string, ...string[]]),
        location: z.string(),
      }),
    )
    .max(100)
    .default([]),
})

type Shortage = z.output<typeof shortagesInput>
type Kind = keyof Shortage['limits']

/** Quota and stock of the project. */
export class Shortages {
  current: Shortage = shortagesInput.parse({})

  isSoldOut(serverType: string, location: string): boolean {
    return this.current.sold_out.some((entry) => entry.server_type === serverType && entry.location === location)
  }

  /** @throws HetznerError `resource_limit_exceeded` when no further object of this kind fits */
  requireRoom(kind: Kind, items: readonly unknown[]) {
    if (items.length < (this.current.limits[kind] ?? usualLimit)) return
    const limits = [{ name: `${kind}_limit` }]
    throw new HetznerError('resource_limit_exceeded', `${kind.replace('_', ' ')} limit reached`, { limits })
  }
}

/** `/_shortages`: GET and PUT, as a whole. */
export function shortageRoutes(shortages: Shortages): Hono {
  return new Hono()
    .get('/', (c) => c.json(shortages.current))
    .put('/', async (c) => {
      const parsed = shortagesInput.safeParse(await c.req.json().catch(() => undefined))
      if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 422)
      shortages.current = parsed.data
      return c.json(shortages.current)
    })
}
