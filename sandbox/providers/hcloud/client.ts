import { setTimeout } from 'node:timers/promises'
import { requestJson } from '../http.ts'
import { isObject, list, type Properties, text, type Value } from '../values.ts'

/** @see https://docs.hetzner.cloud/reference/cloud#errors */
export class HcloudError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const retriedCodes: ReadonlySet<string> = new Set(['conflict', 'rate_limit_exceeded', 'bad_gateway', 'timeout'])
const retriedStatuses: ReadonlySet<number> = new Set([502, 504])
const retries = 5
const firstRetryDelay = 1_000
const pollLimit = 7_200

export interface HcloudSettings {
  /** With `/v1`. */
  readonly endpoint: string
  readonly token: string
  /** Between two looks at an action, milliseconds. */
  readonly pollInterval: number
}

export interface HcloudClient {
  /**
   * @returns the answer's body
   * @throws HcloudError with the API's own message
   */
  request(method: string, path: string, signal: AbortSignal, body?: Value): Promise<Properties>
  /** Like `request`, but null when there is no such thing. */
  find(path: string, signal: AbortSignal): Promise<Properties | null>
  /**
   * Waits until the actions in the answer have ended, one after the other.
   * @throws Error when one of them failed
   */
  settle(actions: readonly Value[], signal: AbortSignal): Promise<void>
}

function errorOf(method: string, path: string, status: number, body: Properties): HcloudError {
  const error = isObject(body.error) ? body.error : {}
  const code = text(error, 'code') ?? `http_${status}`
  const fields = isObject(error.details) ? list(error.details, 'fields') : []
  const details = fields.filter(isObject).map((field) => `${field.name}: ${list(field, 'messages').join(', ')}`)
  const message = `${text(error, 'message') ?? 'no message'} (${code})`
  return new HcloudError(status, code, [`${method} ${path}: ${message}`, ...details].join('; '))
}

export function hcloudClient({ endpoint, token, pollInterval }: HcloudSettings): HcloudClient {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'skerry-sandbox-hcloud' }

  async function request(method: string, path: string, signal: AbortSignal, body?: Value): Promise<Properties> {
    for (let attempt = 0; ; attempt++) {
      const answer = await requestJson(method, `${endpoint}${path}`, headers, body, signal)
      if (answer.status < 400) return answer.body
      const error = errorOf(method, path, answer.status, answer.body)
      const retried = retriedCodes.has(error.code) || retriedStatuses.has(error.status)
      if (!retried || attempt === retries) throw error
      await setTimeout(firstRetryDelay * 2 ** attempt, undefined, { signal })
    }
  }

  async function waitFor(action: Properties, signal: AbortSignal): Promise<void> {
    let current = action
    for (let poll = 0; current.status === 'running'; poll++) {
      if (poll === pollLimit) throw new Error(`The action ${action.command} (${action.id}) does not end`)
      await setTimeout(pollInterval, undefined, { signal })
      const answer = await request('GET', `/actions?id=${action.id}&page=1&sort=status&sort=id`, signal)
      const found = list(answer, 'actions').find((entry) => isObject(entry) && entry.id === action.id)
      if (!isObject(found))
        throw new Error(`The action ${action.command} (${action.id}) is not known to the API any more`)
      current = found
    }
    if (current.status !== 'error') return
    const error = isObject(current.error) ? current.error : {}
    throw new Error(`The action ${action.command} failed: ${error.message} (${error.code}, ${action.id})`)
  }

  return {
    request,
    async find(path, signal) {
      try {
        return await request('GET', path, signal)
      } catch (error) {
        if (error instanceof HcloudError && error.code === 'not_found') return null
        throw error
      }
    },
    async settle(actions, signal) {
      for (const action of actions) if (isObject(action)) await waitFor(action, signal)
    },
  }
}

/** The object under a key of an answer. @throws Error when the API left it out */
export function member(body: Properties, key: string): Properties {
  const value = body[key]
  if (isObject(value)) return value
  throw new Error(`The answer of the Hetzner Cloud API has no "${key}"`)
}
