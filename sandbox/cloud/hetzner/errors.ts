import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** Error codes of the Hetzner Cloud API with their HTTP status; https://docs.hetzner.cloud/reference/cloud#errors */
const statuses = {
  json_error: 400,
  unauthorized: 401,
  token_readonly: 403,
  resource_limit_exceeded: 403,
  not_found: 404,
  uniqueness_error: 409,
  resource_in_use: 409,
  primary_ip_assigned: 409,
  primary_ip_already_assigned: 409,
  server_has_ipv4: 409,
  server_has_ipv6: 409,
  firewall_already_applied: 409,
  volume_already_attached: 409,
  deprecated_api_endpoint: 410,
  resource_unavailable: 412,
  server_not_stopped: 412,
  request_too_large: 413,
  unsupported_media_type: 415,
  invalid_input: 422,
  invalid_server_type: 422,
  primary_ip_version_mismatch: 422,
  primary_ip_datacenter_mismatch: 422,
  firewall_resource_not_found: 422,
  unsupported_error: 422,
  locked: 423,
  protected: 423,
  rate_limit_exceeded: 429,
  server_error: 500,
} as const satisfies Record<string, ContentfulStatusCode>

type ErrorCode = keyof typeof statuses

export interface InvalidField {
  readonly name: string
  readonly messages: readonly string[]
}

/** A refusal as the Hetzner Cloud API words it. */
export class HetznerError extends Error {
  readonly code: ErrorCode
  readonly details: unknown

  constructor(code: ErrorCode, message: string, details: unknown = {}) {
    super(message)
    this.code = code
    this.details = details
  }

  get status(): ContentfulStatusCode {
    return statuses[this.code]
  }

  get body() {
    return { error: { code: this.code, message: this.message, details: this.details } }
  }
}

/** `invalid_input` with the fields that are wrong. */
export function invalidInput(...fields: InvalidField[]): HetznerError {
  const names = fields.map(({ name }) => `'${name}'`).join(', ')
  return new HetznerError('invalid_input', `invalid input in field${fields.length === 1 ? '' : 's'} ${names}`, {
    fields,
  })
}

export const invalidField = (name: string, message: string) => invalidInput({ name, messages: [message] })

/** `uniqueness_error` for a field that another object already has. */
export function notUnique(what: string, field: string): HetznerError {
  return new HetznerError('uniqueness_error', `${what} is already used`, { fields: [{ name: field }] })
}

export const notFound = (what: string, id: unknown) =>
  new HetznerError('not_found', `${what} with ID '${id}' not found`)
