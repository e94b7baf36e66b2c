import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { z } from 'zod'

const maximumFaults = 100
/** Longer than any client waits. */
const longestSilence = 300_000

const answer = z.union([
  /** Answers this instead of doing anything. */
  z.strictObject({ status: z.int().min(400).max(599), body: z.unknown() }),
  /** Does nothing but answers well; the actions that the answer names end with this error. */
  z.strictObject({ action: z.strictObject({ code: z.string().default('action_failed'), message: z.string() }) }),
  /**
   * `timeout`: never answers; `close`: ends the connection; `lost`: does what is asked and ends it without an answer;
   * `silent`: does what is asked and never answers.
   */
  z.enum(['timeout', 'close', 'lost', 'silent']),
])

const faultInput = z.strictObject({
  method: z.string().regex(/^[A-Z]+$/, 'must be an HTTP method'),
  /** As in the request, without the query; `*` stands for one segment. */
  path: z.string().startsWith('/'),
  /** What the request's JSON has to say among other things: `{"type":"CAA"}`. */
  body: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  times: z.int().min(1).max(1000).default(1),
  answer,
})

type Fault = z.output<typeof faultInput>

/** Why an action fails, as planned by a test. */
export class ActionFailure extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

const planned = new AsyncLocalStorage<ActionFailure>()

/** The failure that actions begun by the current request are to end with. */
export const plannedFailure = (): ActionFailure | undefined => planned.getStore()

/** Faults that wait for the requests that they are for. */
export class Faults {
  #waiting: Fault[] = []

  get waiting(): readonly Fault[] {
    return this.#waiting
  }

  add(fault: Fault) {
    this.#waiting.push(fault)
  }

  clear() {
    this.#waiting = []
  }

  /** The first fault for such a request, one time less. */
  take(method: string, path: string, body: unknown): Fault | undefined {
    const found = this.#waiting.find(
      (fault) => fault.method === method && matches(fault.path, path) && says(body, fault.body),
    )
    if (found) {
      found.times -= 1
      this.#waiting = this.#waiting.filter(({ times }) => times > 0)
    }
    return found
  }
}

function matches(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  return wanted.length === given.length && wanted.every((segment, index) => segment === '*' || segment === given[index])
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function says(body: unknown, wanted: Fault['body']): boolean {
  const said = new Map(Object.entries(body ?? {}))
  return Object.entries(wanted).every(([key, value]) => said.get(key) === value)
}

/** Lets the faults happen, before anything else looks at a request. */
export function happening(faults: Faults): MiddlewareHandler {
  return async (c, next) => {
    if (faults.waiting.length === 0) return next()
    const asked = parsed(await c.req.raw.clone().text())
    const fault = faults.take(c.req.method, c.req.path, asked)
    if (!fault) return next()
    if (fault.answer === 'timeout') {
      await silence(c)
      return hangUp(c)
    }
    if (fault.answer === 'close') return hangUp(c)
    if (fault.answer === 'lost' || fault.answer === 'silent') {
      await next()
      if (fault.answer === 'silent') await silence(c)
      c.res = hangUp(c)
      return
    }
    if ('action' in fault.answer) {
      const { code, message } = fault.answer.action
      return planned.run(new ActionFailure(code, message), next)
    }
    const { status, body } = fault.answer
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
  }
}

/** Until the client has had enough. */
async function silence(c: Context): Promise<void> {
  await sleep(longestSilence, undefined, { signal: c.req.raw.signal, ref: false }).catch(() => {})
}

function hangUp(c: Context<{ Bindings: HttpBindings }>): Response {
  c.env.incoming.socket.destroy()
  return RESPONSE_ALREADY_SENT
}

/** `/_faults`: POST adds one, GET lists those that wait, DELETE takes all away. */
export function faultRoutes(faults: Faults): Hono {
  return new Hono()
    .get('/', (c) => c.json({ faults: faults.waiting }))
    .post('/', async (c) => {
      const parsed = faultInput.safeParse(await c.req.json().catch(() => undefined))
      if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 422)
      if (faults.waiting.length >= maximumFaults) return c.json({ error: `${maximumFaults} faults wait already` }, 422)
      faults.add(parsed.data)
      return c.json({ fault: parsed.data }, 201)
    })
    .delete('/', (c) => {
      faults.clear()
      return c.body(null, 204)
    })
}
