import type { Properties, Value } from './values.ts'

const requestTimeout = 30_000
const largestAnswer = 8 * 1024 * 1024

export interface Answer {
  readonly status: number
  /** The parsed body; an empty object when there is none or it is no JSON object. */
  readonly body: Properties
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > largestAnswer) throw new Error(`The answer of ${response.url} is larger than ${largestAnswer} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseObject(text: string): Properties {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Properties) : {}
  } catch {
    return {}
  }
}

/**
 * One request to a JSON API.
 * @throws Error that names the address when nothing answers
 */
export async function requestJson(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Value | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeout)]),
    })
    return { status: response.status, body: parseObject(await readBounded(response)) }
  } catch (error) {
    const reason = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : error
    throw new Error(`${method} ${url} has no answer: ${reason}`)
  }
}
