import type { Context } from 'hono'
import { z } from 'zod'
import { HetznerError, type InvalidField, invalidInput, notFound, notUnique } from './errors.ts'

/** Checks a value against a schema. @throws HetznerError `invalid_input`, every wrong field named */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const fields = new Map<string, string[]>()
  for (const { path, message } of parsed.error.issues) {
    const name = path.join('.') || 'body'
    fields.set(name, [...(fields.get(name) ?? []), message])
  }
  throw invalidInput(...[...fields].map(([name, messages]): InvalidField => ({ name, messages })))
}

/** Reads and checks a JSON body; an empty one counts as `{}`, as for actions without arguments. */
export async function body<Schema extends z.ZodType>(c: Context, schema: Schema): Promise<z.output<Schema>> {
  const text = await c.req.text()
  if (text === '') return check(schema, {})
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
    throw new HetznerError('unsupported_media_type', 'the body must be sent as application/json')
  }
  return check(schema, parseJson(text))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new HetznerError('json_error', 'invalid JSON in the body of the request')
  }
}

/** Finds the object that the path's `:id` names. @throws HetznerError `not_found` */
export function byPath<Item extends { id: number }>(c: Context, what: string, items: readonly Item[]): Item {
  const id = c.req.param('id') ?? ''
  const item = items.find((candidate) => String(candidate.id) === id)
  if (!item) throw notFound(what, id)
  return item
}

/** @throws HetznerError `uniqueness_error` when another object has this name */
export function requireFreeName(
  what: string,
  name: string,
  items: readonly { id: number; name: string }[],
  own?: number,
) {
  if (items.some((item) => item.name === name && item.id !== own)) throw notUnique(`${what} name`, 'name')
}

const labelValue = /^$|^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$/
const labelPrefix = /^(?=.{1,253}\/)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\//

/** Whether a label's key is one that the API accepts: a name, optionally after a DNS prefix and a slash. */
export function isLabelKey(key: string): boolean {
  const name = key.replace(labelPrefix, '')
  return name !== '' && labelValue.test(name)
}

export const isLabelValue = (value: string) => labelValue.test(value)

export const labels = z.record(z.string(), z.string()).superRefine((value, context) => {
  for (const [key, content] of Object.entries(value)) {
    if (!isLabelKey(key)) context.addIssue({ code: 'custom', message: `label key '${key}' is not valid` })
    if (!isLabelValue(content)) context.addIssue({ code: 'custom', message: `label value of '${key}' is not valid` })
  }
})

/** Name of anything but a server. */
export const resourceName = z
  .string()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters')
  .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters')

const hostname =
  /^(?=.{1,253}$)[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/

/** Servers are named after RFC 1123. */
export const serverName = z.string().regex(hostname, 'must be a valid hostname')

/** Name and labels: what every kind of object lets one change. */
export const changes = (name: z.ZodString) => z.object({ name: name.optional(), labels: labels.optional() })

export const identifier = z.int().positive()
export const identifierOrName = z.union([identifier, z.string().min(1)])
