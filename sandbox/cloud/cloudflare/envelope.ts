import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** Error codes of the Cloudflare API with their HTTP status and, where it is always the same, their message. */
const refusals = {
  invalidHeaders: { status: 400, code: 6003, message: 'Invalid request headers' },
  missingHeaders: { status: 400, code: 9106, message: 'Missing X-Auth-Key, X-Auth-Email or Authorization headers' },
  invalidToken: { status: 401, code: 1000, message: 'Invalid API Token' },
  invalidAccessToken: { status: 403, code: 9109, message: 'Invalid access token' },
  forbiddenResource: { status: 403, code: 9109, message: 'Unauthorized to access requested resource' },
  forbiddenMethod: { status: 403, code: 10000, message: 'Authentication error' },
  noRoute: {
    status: 404,
    code: 7003,
    message: 'Could not route to the path, perhaps your object identifier is invalid?',
  },
  noRecord: { status: 404, code: 81044, message: 'Record does not exist.' },
  malformedJson: { status: 400, code: 6007, message: 'Malformed JSON in request body' },
  notJson: { status: 400, code: 9207, message: 'Failed to parse request body, content-type must be application/json' },
  tooLarge: { status: 413, code: 10013, message: 'Request body is too large' },
  invalidRecord: { status: 400, code: 1004, message: 'DNS Validation Error' },
  invalidName: { status: 400, code: 9000, message: 'DNS name is invalid.' },
  invalidA: { status: 400, code: 9005, message: 'Content for A record must be a valid IPv4 address.' },
  invalidAaaa: { status: 400, code: 9006, message: 'Content for AAAA record must be a valid IPv6 address.' },
  invalidCname: { status: 400, code: 9007, message: 'Content for CNAME record is invalid.' },
  invalidTtl: {
    status: 400,
    code: 9021,
    message: 'Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.',
  },
  notProxiable: { status: 400, code: 9041, message: 'This record type cannot be proxied.' },
  quota: { status: 400, code: 81045, message: 'Record quota exceeded.' },
  hostTaken: { status: 400, code: 81053, message: 'An A, AAAA, or CNAME record with that host already exists.' },
  alias: { status: 400, code: 81054, message: 'A CNAME record with that host already exists.' },
  sameContent: { status: 400, code: 81057, message: 'The record already exists.' },
  identical: { status: 400, code: 81058, message: 'An identical record already exists.' },
  rateLimit: { status: 429, code: 971, message: 'Please wait and consider throttling your request speed' },
  fault: { status: 500, code: 10001, message: 'Service temporarily unavailable' },
} as const satisfies Record<string, { status: ContentfulStatusCode; code: number; message: string }>

export interface ErrorLink {
  readonly code: number
  readonly message: string
}

/** A refusal as the Cloudflare API words it. */
export class CloudflareError extends Error {
  readonly status: ContentfulStatusCode
  readonly code: number
  readonly chain: readonly ErrorLink[]

  /** @param chain causes, shown as `error_chain` */
  constructor(refusal: keyof typeof refusals, chain: readonly ErrorLink[] = []) {
    super(refusals[refusal].message)
    this.status = refusals[refusal].status
    this.code = refusals[refusal].code
    this.chain = chain
  }

  get body() {
    const { code, message, chain } = this
    const error = chain.length === 0 ? { code, message } : { code, message, error_chain: chain }
    return { result: null, success: false, errors: [error], messages: [] }
  }
}

/** `DNS Validation Error` with what is wrong. */
export const invalidRecord = (message: string) => new CloudflareError('invalidRecord', [{ code: 9000, message }])

export const success = (c: Context, result: unknown, messages: readonly unknown[] = []) =>
  c.json({ result, success: true, errors: [], messages })

/** One page of a list, with `result_info`. @param defaultSize and @param maximumSize entries a page */
export function page(c: Context, found: readonly unknown[], defaultSize: number, maximumSize: number) {
  const number = positive(c.req.query('page'), 1, Number.MAX_SAFE_INTEGER)
  const size = positive(c.req.query('per_page'), defaultSize, maximumSize)
  const result = found.slice((number - 1) * size, number * size)
  return c.json({
    result,
    success: true,
    errors: [],
    messages: [],
    result_info: {
      page: number,
      per_page: size,
      count: result.length,
      total_count: found.length,
      total_pages: Math.ceil(found.length / size),
    },
  })
}

function positive(text: string | undefined, fallback: number, maximum: number): number {
  if (text === undefined) return fallback
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1 || number > maximum)
    throw invalidRecord('page and per_page are out of range')
  return number
}
