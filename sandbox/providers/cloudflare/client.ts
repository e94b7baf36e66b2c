import { setTimeout } from 'node:timers/promises'
import { requestJson } from '../http.ts'
import { isObject, list, type Properties, type Value } from '../values.ts'

/** Pauses before the second and the third attempt, as the genuine provider makes them. */
const retryDelays = [1_700, 3_200]

export class CloudflareError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface CloudflareClient {
  /**
   * @param path from `/zones` on
   * @returns the `result` of the answer
   * @throws CloudflareError with the API's own messages
   */
  request(method: string, path: string, signal: AbortSignal, body?: Value): Promise<Value>
}

function errorOf(method: string, path: string, status: number, body: Properties): CloudflareError {
  const errors = list(body, 'errors').filter(isObject)
  const messages = errors.map((error) => `${error.message} (${error.code})`).join('; ') || 'no message'
  return new CloudflareError(status, `${method} ${path}: ${status}: ${messages}`)
}

/** @param baseUrl everything before `/zones` */
export function cloudflareClient(baseUrl: string, token: string): CloudflareClient {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'skerry-sandbox-cloudflare' }
  return {
    async request(method, path, signal, body) {
      for (let attempt = 0; ; attempt++) {
        const answer = await requestJson(method, `${baseUrl}${path}`, headers, body, signal)
        if (answer.status < 400) return answer.body.result ?? null
        const delay = retryDelays[attempt]
        const retried = answer.status === 429 || answer.status >= 500
        if (!retried || delay === undefined) throw errorOf(method, path, answer.status, answer.body)
        await setTimeout(delay, undefined, { signal })
      }
    },
  }
}
