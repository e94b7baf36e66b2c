/** Why there is no certificate. */
export interface Problem {
  /** One sentence for a person, without a full stop. */
  readonly reason: string
  /** Milliseconds since the epoch: the CA wants to hear nothing before. */
  readonly retryAfter?: number
}

/** What the types of ACME errors (RFC 8555, section 6.7) mean here. */
const types: Readonly<Record<string, string>> = {
  caa: 'a CAA record in DNS forbids this CA to issue for the name',
  connection: 'the CA does not reach port 80 at the address that the name has in DNS',
  dns: 'the CA does not find the address of the name in DNS',
  dnssec: 'the CA does not find the address of the name in DNS',
  incorrectResponse: 'another server than this one answers for the name',
  rateLimited: "the CA's rate limit is reached",
  rejectedIdentifier: 'the CA does not issue for this name',
  serverInternal: 'the CA has a problem of its own',
  tls: 'another server than this one answers for the name',
  unauthorized: 'another server than this one answers for the name',
}

/** Some CAs call this a failed connection. */
const unresolved = /could not resolve|no such host|NXDOMAIN/i

/** How errors are worded whose type certbot does not tell. */
const wordings: readonly (readonly [RegExp, string])[] = [
  [/too many|retry after|temporarily prevented/i, types.rateLimited ?? ''],
  [/\bCAA\b/, types.caa ?? ''],
  [/internal error/i, types.serverInternal ?? ''],
  [/will not issue for the identifier|forbidden by policy/i, types.rejectedIdentifier ?? ''],
  [/ConnectionError|Max retries exceeded|timed out/i, 'the CA cannot be reached'],
]

/** Those of them that answer an order; elsewhere the others would speak of a challenge. */
const orderTypes = ['caa', 'rateLimited', 'rejectedIdentifier', 'serverInternal']

/**
 * @param output everything that certbot said in an attempt that failed
 * @param log of the same attempt, or its end
 */
export function explainProblem(output: string, log: string): Problem {
  const { type, detail } = reported(output, log)
  const exactType = type === 'connection' && unresolved.test(detail) ? 'dns' : type
  const meaning = types[exactType] ?? wordings.find(([wording]) => wording.test(detail))?.[1]
  const retryAfter = parseRetryAfter(detail)
  return {
    reason: [meaning, detail && `in its words: ${detail}`].filter(Boolean).join('; ') || 'certbot does not say why',
    ...(retryAfter === undefined ? {} : { retryAfter }),
  }
}

/**
 * A failed challenge comes as "Type" and "Detail", anything else as the lines after "An unexpected error occurred:". What the
 * CA said to an order has its type in the log alone; certbot of Debian 12 stumbles over it, and says only "AttributeError".
 */
function reported(output: string, log: string): { type: string; detail: string } {
  const [, type, detail] = /^ *Type: +(\S+)\n *Detail: (.+)$/m.exec(output) ?? []
  if (type !== undefined && detail !== undefined) return { type, detail: printable(detail) }
  const [, unexpected] = /An unexpected error occurred:\n(.+)/.exec(output) ?? []
  const refusals = log.matchAll(/^acme\.messages\.Error: urn:ietf:params:acme:error:(\w+) :: (.+)$/gm)
  const [, refusal = '', words] = [...refusals].at(-1) ?? []
  if (unexpected !== undefined && words !== undefined) {
    return { type: orderTypes.includes(refusal) ? refusal : '', detail: printable(words) }
  }
  const lines = output
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^(Saving debug log|Ask for help)/.test(line))
  return { type: '', detail: printable(unexpected ?? lines.at(-1) ?? '') }
}

/** Strangers have a say in these words, and terminals obey some characters. */
function printable(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]+/g, ' ').trim()
  return plain.length > 300 ? `${plain.slice(0, 299)}…` : plain
}

/** Let's Encrypt says it in UTC: https://letsencrypt.org/docs/rate-limits/ */
function parseRetryAfter(detail: string): number | undefined {
  const [, date, time] = /retry after (\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)/i.exec(detail) ?? []
  const parsed = Date.parse(`${date}T${time}Z`)
  return Number.isNaN(parsed) ? undefined : parsed
}
