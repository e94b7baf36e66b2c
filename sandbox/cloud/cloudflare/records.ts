import { randomBytes } from 'node:crypto'
import { type Context, Hono } from 'hono'
import pLimit from 'p-limit'
import { z } from 'zod'
import type { Datacenter } from '../datacenter.ts'
import { dnsRecords } from '../dns-records.ts'
import type { StoredRecord } from '../state.ts'
import type { CloudStore } from '../store.ts'
import { recordContent, recordName } from './content.ts'
import { CloudflareError, invalidRecord, page, success } from './envelope.ts'
import type { Zone } from './zones.ts'

/** As many as the free plan has. */
const maximumRecords = 200
const maximumComment = 100

/** A flag is a number, or a number as a string: clients send either. */
const flags = z.preprocess((value) => (value === '' ? Number.NaN : Number(value)), z.int().min(0).max(255))

const data = z.object({
  flags,
  tag: z.enum(['issue', 'issuewild', 'iodef']),
  value: z
    .string()
    .regex(/^[\x20-\x7e]{1,255}$/)
    .regex(/^[^"\\]*$/),
})

const input = z.object({
  type: z.enum(['A', 'AAAA', 'CAA', 'CNAME', 'TXT']),
  name: z.string().min(1),
  content: z.string().optional(),
  data: data.nullish(),
  ttl: z.int().default(1),
  proxied: z.boolean().nullish(),
  comment: z.string().max(maximumComment).nullish(),
  tags: z.array(z.string()).max(0, 'the zone has no tags').nullish(),
  settings: z.record(z.string(), z.unknown()).nullish(),
})

type Draft = Omit<StoredRecord, 'id' | 'created_on' | 'modified_on'>

/** `/zones/ZONE/dns_records`: every change is in force when it is answered. */
export function recordRoutes(store: CloudStore, datacenter: Datacenter, zone: Zone): Hono {
  const { state } = store
  const inTurn = pLimit(1)
  const find = (c: Context): StoredRecord => {
    const record = state.records.find(({ id }) => id === c.req.param('id'))
    if (!record) throw new CloudflareError('noRecord')
    return record
  }
  /** The new list is in force first and in the state after: a name server that fails leaves everything as it was. */
  const publish = async (records: StoredRecord[]) => {
    await datacenter.setRecords(dnsRecords(records))
    store.change(() => {
      state.records = records
    })
  }
  const replace = (c: Context, merge: (record: StoredRecord, given: unknown) => unknown) =>
    inTurn(async () => {
      const record = find(c)
      const draft = drafted(zone, merge(record, await json(c)))
      requireDistinct(draft, state.records, record.id)
      const changed = { ...record, ...draft, modified_on: new Date().toISOString() }
      await publish(state.records.map((other) => (other.id === record.id ? changed : other)))
      return success(c, render(changed))
    })
  return new Hono()
    .get('/', (c) => page(c, filtered(c, state.records).map(render), 100, 5_000_000))
    .get('/:id', (c) => success(c, render(find(c))))
    .post('/', (c) =>
      inTurn(async () => {
        const draft = drafted(zone, await json(c))
        requireDistinct(draft, state.records)
        if (state.records.length >= maximumRecords) throw new CloudflareError('quota')
        const now = new Date().toISOString()
        const record = { id: randomBytes(16).toString('hex'), ...draft, created_on: now, modified_on: now }
        await publish([...state.records, record])
        return success(c, render(record))
      }),
    )
    .put('/:id', (c) => replace(c, (_, given) => given))
    .patch('/:id', (c) => replace(c, patched))
    .delete('/:id', (c) =>
      inTurn(async () => {
        const { id } = find(c)
        await publish(state.records.filter((record) => record.id !== id))
        return success(c, { id })
      }),
    )
}

async function json(c: Context): Promise<unknown> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) throw new CloudflareError('notJson')
  const text = await c.req.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new CloudflareError('malformedJson')
  }
}

function patched({ type, name, content, data, ttl, proxied, comment }: StoredRecord, given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given
  return { type, name, ...(data ? { data } : { content }), ttl, proxied, comment, ...given }
}

function drafted(zone: Zone, given: unknown): Draft {
  const parsed = input.safeParse(given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalidRecord(`${issue?.path.join('.') || 'body'}: ${issue?.message}`)
  }
  const { type, name, ttl, comment } = parsed.data
  const proxied = parsed.data.proxied ?? false
  if (proxied && !isProxiable(type)) throw new CloudflareError('notProxiable')
  if (ttl !== 1 && (ttl < 60 || ttl > 86_400)) throw new CloudflareError('invalidTtl')
  return {
    type,
    name: recordName(name, zone.name),
    ...recordContent(type, parsed.data.content, parsed.data.data ?? null),
    // a proxied record's time to live is Cloudflare's affair
    ttl: proxied ? 1 : ttl,
    proxied,
    comment: comment || null,
  }
}

const isProxiable = (type: StoredRecord['type']) => type === 'A' || type === 'AAAA' || type === 'CNAME'

/** @throws CloudflareError where the record cannot stand beside those of its name */
function requireDistinct(draft: Draft, records: readonly StoredRecord[], own?: string) {
  const others = records.filter(({ id, name }) => name === draft.name && id !== own)
  const same = others.find(({ type, content }) => type === draft.type && content === draft.content)
  if (same)
    throw new CloudflareError(same.ttl === draft.ttl && same.proxied === draft.proxied ? 'identical' : 'sameContent')
  if (draft.type === 'CNAME' && others.some(({ type }) => isProxiable(type))) throw new CloudflareError('hostTaken')
  if (isProxiable(draft.type) && others.some(({ type }) => type === 'CNAME')) throw new CloudflareError('alias')
}

function filtered(c: Context, records: readonly StoredRecord[]): StoredRecord[] {
  const wanted = (field: 'type' | 'name' | 'content') => c.req.query(`${field}.exact`) ?? c.req.query(field)
  const [type, name, content] = [wanted('type'), wanted('name'), wanted('content')]
  return records.filter(
    (record) =>
      (type === undefined || record.type === type) &&
      (name === undefined || record.name === name.toLowerCase()) &&
      (content === undefined || record.content === content),
  )
}

function render({ data, ...record }: StoredRecord) {
  return {
    ...record,
    proxiable: isProxiable(record.type),
    settings: record.type === 'CNAME' ? { flatten_cname: false } : {},
    meta: {},
    tags: [],
    ...(data ? { data } : {}),
  }
}
