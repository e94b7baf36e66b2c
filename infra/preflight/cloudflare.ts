import { z } from 'zod'
import { type Answer, type Api, ask, patience, pauses } from './api.ts'

const record = z.object({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  content: z.string().nullish(),
  data: z.object({ tag: z.string().optional(), value: z.string().optional() }).nullish(),
})
const records = z.object({ result: z.array(record) })
const zone = z.object({ result: z.object({ name: z.string(), status: z.string() }) })
const refusal = z.object({ errors: z.array(z.object({ code: z.int(), message: z.string() })).min(1) })

export type DnsRecord = z.output<typeof record>

/** More than one name can have. */
const mostRecords = 200

/** What Cloudflare says about the one zone. Every method throws an Error in plain words. */
export class Cloudflare {
  readonly #api: Api
  readonly #zoneId: string

  constructor(endpoint: string, token: string, zoneId: string) {
    this.#api = {
      name: 'Cloudflare',
      endpoint,
      token,
      statusPage: 'https://www.cloudflarestatus.com',
      pauses,
      patience,
    }
    this.#zoneId = zoneId
  }

  /** Throws when the token is not known, may not edit the zone, or there is no such zone. */
  async requireEditing(): Promise<void> {
    // A record without anything in it is never made: whoever may edit hears what is missing.
    this.#check(await ask(this.#api, `/zones/${this.#zoneId}/dns_records`, {}), true)
  }

  /** Name and status of the zone; undefined when the token may not look at it, as one that may only edit DNS. */
  async zone(): Promise<{ readonly name: string; readonly status: string } | undefined> {
    const answer = await ask(this.#api, `/zones/${this.#zoneId}`)
    return zone.safeParse(answer.body).data?.result
  }

  /** The records that a name has. */
  async records(name: string): Promise<DnsRecord[]> {
    const query = new URLSearchParams({ 'name.exact': name, per_page: String(mostRecords) })
    const answer = await ask(this.#api, `/zones/${this.#zoneId}/dns_records?${query}`)
    this.#check(answer, false)
    const result = records.safeParse(answer.body)
    if (!result.success) throw new Error('Cloudflare answered the question for DNS records with something else.')
    return result.data.result
  }

  /** @param probe whether the request was made to be refused for what is in it */
  #check({ status, body }: Answer, probe: boolean): void {
    if (status < 400) return
    const [said] = refusal.safeParse(body).data?.errors ?? []
    const remedy =
      'Make one that may do Zone → DNS → Edit in the one zone (https://dash.cloudflare.com/profile/api-tokens): pulumi config set --secret cloudflare:apiToken'
    if (status === 401 || said?.code === 9109 || said?.code === 6003) {
      throw new Error(
        `Cloudflare does not know the token in cloudflare:apiToken (or CLOUDFLARE_API_TOKEN), or it is not for the zone ${this.#zoneId} of skerry:cloudflareZoneId. ${remedy}`,
      )
    }
    if (status === 403) {
      throw new Error(
        `The token in cloudflare:apiToken (or CLOUDFLARE_API_TOKEN) may not edit DNS in the zone ${this.#zoneId}. ${remedy}`,
      )
    }
    if (said?.code === 7003) {
      throw new Error(
        `Cloudflare has no zone ${this.#zoneId}: take its id from the overview page of the domain: pulumi config set skerry:cloudflareZoneId ID`,
      )
    }
    if (!probe) throw new Error(`Cloudflare refuses to list DNS records: ${said?.message ?? `status ${status}`}.`)
  }
}
