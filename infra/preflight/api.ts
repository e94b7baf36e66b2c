import { setTimeout } from 'node:timers/promises'

/** Where one of the two clouds is asked, and what for words its refusals need. */
export interface Api {
  /** "Hetzner Cloud", for sentences. */
  readonly name: string
  /** Everything before the paths. */
  readonly endpoint: string
  readonly token: string
  readonly statusPage: string
  /** Milliseconds before each further attempt. */
  readonly pauses: readonly number[]
  /** Milliseconds for one answer. */
  readonly patience: number
}

export interface Answer {
  readonly status: number
  /** Parsed JSON; undefined when it is none. */
  readonly body: unknown
}

const largestAnswer = 4 * 1024 * 1024
export const pauses = [1_000, 3_000]
export const patience = 20_000

/**
 * Asks one question, with further attempts when the API is busy, faulty or out of reach.
 *
 * @param body sent with POST; without one it is a GET
 * @throws Error in plain words when the API cannot be reached or does not work
 */
export async function ask(api: Api, path: string, body?: unknown): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await tryToAsk(api, path, body)
    if (!(answer instanceof Error) && answer.status !== 429 && answer.status < 500) return answer
    const pause = api.pauses[attempt]
    if (pause === undefined) throw answer instanceof Error ? answer : new Error(malfunction(api, answer.status))
    await setTimeout(pause)
  }
}

async function tryToAsk(api: Api, path: string, body: unknown): Promise<Answer | Error> {
  try {
    const response = await fetch(`${api.endpoint}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/json', 'user-agent': 'skerry' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The token is for this address and no other.
      redirect: 'error',
      signal: AbortSignal.timeout(api.patience),
    })
    return { status: response.status, body: parsed(await boundedText(response)) }
  } catch (error) {
    return new Error(unreachable(api, error))
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > largestAnswer) throw new Error(`its answer is longer than ${largestAnswer} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreachable({ name, endpoint, patience }: Api, error: unknown): string {
  return (
    `${name} cannot be reached at ${endpoint}: ${reasonOf(error, patience)}. Nothing was changed there: look at this machine's network ` +
    'and try again. Behind a proxy (HTTPS_PROXY) also set NODE_USE_ENV_PROXY=1.'
  )
}

function reasonOf(error: unknown, patience: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${patience / 1_000} seconds`
  const cause = error.cause instanceof Error ? error.cause : error
  return cause.message || cause.name
}

function malfunction({ name, statusPage }: Api, status: number): string {
  return status === 429
    ? `${name} takes no further requests for now (429: too many of them with this token): try again in some minutes.`
    : `${name} does not work (it answers ${status}): see ${statusPage} and try again later.`
}
