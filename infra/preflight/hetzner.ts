import { z } from 'zod'
import { type Answer, type Api, ask, patience, pauses } from './api.ts'

const deprecation = z.object({ unavailable_after: z.string() }).nullish()

const serverType = z.object({
  name: z.string(),
  architecture: z.enum(['x86', 'arm']),
  disk: z.number(),
  prices: z.array(z.object({ location: z.string(), price_monthly: z.object({ gross: z.string() }) })),
  locations: z.array(z.object({ name: z.string(), available: z.boolean().default(true), deprecation })),
})
const image = z.object({ name: z.string().nullable(), deprecated: z.string().nullish() })
const named = z.object({
  id: z.int(),
  name: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  public_net: z.object({ ipv4: z.object({ id: z.int() }).nullish() }).optional(),
  volumes: z.array(z.int()).optional(),
})
const plugged = z.object({ id: z.int(), server: z.int().nullish() })
const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** A server type as the API offers it; prices are per month with VAT, in the currency of the account. */
export type ServerType = z.output<typeof serverType>
export type Image = z.output<typeof image>
/** An object that has a name in the project; `public_net` and `volumes` are a server's. */
export type Named = z.output<typeof named>
export type Kind = 'primary_ips' | 'volumes' | 'firewalls' | 'ssh_keys' | 'servers'

const perPage = 50
/** More than Hetzner has of anything that is asked for here. */
const mostPages = 10

/** What Hetzner Cloud says about itself and the project. Every method throws an Error in plain words. */
export class Hetzner {
  readonly #api: Api

  constructor(endpoint: string, token: string) {
    this.#api = { name: 'Hetzner Cloud', endpoint, token, statusPage: 'https://status.hetzner.com', pauses, patience }
  }

  /** Throws when the token is not known or may only read. */
  async requireWriting(): Promise<void> {
    // An order that can never be fulfilled: whoever may write hears what is missing in it, and nothing is made.
    await this.#checked('/ssh_keys', {})
  }

  serverTypes(): Promise<ServerType[]> {
    return this.#all('/server_types?', 'server_types', serverType)
  }

  /** Hetzner's own images for an architecture, deprecated ones too. */
  images(architecture: string): Promise<Image[]> {
    const query = `/images?type=system&include_deprecated=true&architecture=${architecture}&`
    return this.#all(query, 'images', image)
  }

  /** What has this name already. */
  async named(kind: Kind, name: string): Promise<Named | undefined> {
    const [found] = await this.#all(`/${kind}?${new URLSearchParams({ name })}&`, kind, named)
    return found
  }

  /** The id of the server that a volume is plugged into; undefined when in none, or when there is no such volume. */
  async serverOf(volumeId: number): Promise<number | undefined> {
    const volumes = await this.#all('/volumes?', 'volumes', plugged)
    return volumes.find(({ id }) => id === volumeId)?.server ?? undefined
  }

  async #all<Item>(path: string, key: string, schema: z.ZodType<Item>): Promise<Item[]> {
    const items: Item[] = []
    for (let page = 1; page <= mostPages; page++) {
      const { body } = await this.#checked(`${path}page=${page}&per_page=${perPage}`)
      const result = z.object({ [key]: z.array(schema) }).safeParse(body)
      if (!result.success) throw new Error(`Hetzner Cloud answered ${path} with something else than ${key}.`)
      const found = result.data[key] ?? []
      items.push(...found)
      if (found.length < perPage) break
    }
    return items
  }

  async #checked(path: string, body?: unknown): Promise<Answer> {
    const answer = await ask(this.#api, path, body)
    const said = refusal.safeParse(answer.body).data?.error
    const sentence = said && tokenRefusal(said.code)
    if (sentence) throw new Error(sentence)
    // Of a probe that has to be refused every other answer is fine.
    if (answer.status >= 400 && body === undefined) {
      throw new Error(`Hetzner Cloud refuses ${path}: ${said?.message ?? `status ${answer.status}`}.`)
    }
    return answer
  }
}

/** What is wrong with the token, by the code of the API's refusal: https://docs.hetzner.cloud/reference/cloud#errors */
function tokenRefusal(code: string): string | undefined {
  const remedy =
    'Make one with read and write access (https://console.hetzner.cloud, the project, Security, API tokens): pulumi config set --secret hcloud:token'
  switch (code) {
    case 'unauthorized':
      return `Hetzner Cloud does not know the token in hcloud:token (or HCLOUD_TOKEN): it was revoked, or is another service's. ${remedy}`
    case 'token_readonly':
    case 'forbidden':
      return `The token in hcloud:token (or HCLOUD_TOKEN) may only read at Hetzner Cloud. ${remedy}`
    default:
      return undefined
  }
}
