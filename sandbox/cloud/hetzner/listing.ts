import type { Context } from 'hono'
import { z } from 'zod'
import { invalidField } from './errors.ts'
import { check } from './input.ts'
import { labelSelector } from './selector.ts'

const paging = z.object({
  page: z.coerce.number().int().positive().default(1),
  per_page: z.coerce.number().int().positive().max(50).default(25),
})

type Fields<Item> = Readonly<Record<string, (item: Item) => string | number>>

interface Listed {
  readonly id: number
  readonly labels?: Readonly<Record<string, string>>
}

/**
 * The answer to a list request: filtered by `fields` and `label_selector`, sorted, one page of it with
 * `meta.pagination`. Several values of one filter are alternatives.
 * @param key name of the list in the answer
 * @param fields what may be filtered and sorted by
 */
export function listing<Item extends Listed>(
  c: Context,
  key: string,
  items: readonly Item[],
  fields: Fields<Item>,
  render: (item: Item) => unknown,
) {
  const { page, per_page } = check(paging, { page: c.req.query('page'), per_page: c.req.query('per_page') })
  const found = sorted(c, filtered(c, items, fields), fields)
  const last_page = Math.max(1, Math.ceil(found.length / per_page))
  return c.json({
    [key]: found.slice((page - 1) * per_page, page * per_page).map(render),
    meta: {
      pagination: {
        page,
        per_page,
        previous_page: page > 1 ? page - 1 : null,
        next_page: page < last_page ? page + 1 : null,
        last_page,
        total_entries: found.length,
      },
    },
  })
}

function filtered<Item extends Listed>(c: Context, items: readonly Item[], fields: Fields<Item>): Item[] {
  const selector = c.req.query('label_selector')
  const selected = selector ? labelSelector(selector) : () => true
  const wanted = Object.entries(fields).flatMap(([name, value]) => {
    const alternatives = c.req.queries(name)
    return alternatives ? [(item: Item) => alternatives.includes(String(value(item)))] : []
  })
  return items.filter((item) => selected(item.labels ?? {}) && wanted.every((holds) => holds(item)))
}

function sorted<Item extends Listed>(c: Context, items: Item[], fields: Fields<Item>): Item[] {
  const orders = (c.req.queries('sort') ?? []).map((text) => {
    const [, name = '', direction] = text.match(/^([a-z_]+)(?::(asc|desc))?$/) ?? []
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (!value) throw invalidField('sort', `'${text}' is not something to sort by`)
    return { value, sign: direction === 'desc' ? -1 : 1 }
  })
  return items.toSorted((a, b) => {
    for (const { value, sign } of orders) {
      const [left, right] = [value(a), value(b)]
      if (left !== right) return left < right ? -sign : sign
    }
    return a.id - b.id
  })
}
