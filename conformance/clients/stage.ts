import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Ability } from './blind-spots.ts'
import { layCable } from './cable.ts'
import { completeFilter, type FilterOptions, Party } from './party.ts'
import type { Program } from './program.ts'
import type { Connect, Publication, Version } from './protocol.ts'

/** Milliseconds that the end of a client may take. */
const patience = 5_000

/** Where the broker is, and the files and the password of the users in it. */
export interface Way {
  readonly ports: Readonly<Record<'tls' | 'tcp' | 'ws', number>>
  readonly authorities: string
  readonly users: Readonly<Record<'admin' | 'try', { readonly certificate: string; readonly privateKey: string }>>
  readonly password: string
}

export interface PartyOptions extends Partial<Omit<Connect, 'filters' | 'will' | 'host' | 'port'>> {
  /** `try` may use the topics below `try/`, `admin` all. */
  readonly user?: 'admin' | 'try'
  readonly filters?: readonly FilterOptions[]
  readonly will?: Partial<Publication> & Pick<Publication, 'topic' | 'payload'>
}

/** One scenario, one client library, one version of MQTT. */
export class Stage {
  readonly version: Version
  /** Why something could not be looked at. */
  readonly blind = new Set<string>()
  readonly #name = randomBytes(5).toString('hex')
  readonly #way: Way
  readonly #program: Program
  readonly #blindSpots: Readonly<Partial<Record<Ability, string>>>
  readonly #parties: Party[] = []

  constructor(version: Version, way: Way, program: Program, blindSpots: Readonly<Partial<Record<Ability, string>>>) {
    this.version = version
    this.#way = way
    this.#program = program
    this.#blindSpots = blindSpots
  }

  /** A topic that no other scenario uses. */
  topic(end: string): string {
    return `try/${this.#name}/${end}`
  }

  /** The level of it that is this scenario's own. */
  get level(): string {
    return this.#name
  }

  clientId(end = 'a'): string {
    return `${this.#name}${end}`
  }

  /**
   * Connects, and subscribes if there are filters: as `try`, over TLS with a certificate, with a clean session, unless told
   * otherwise.
   */
  async connect({ user = 'try', filters, will, ...options }: PartyOptions = {}): Promise<Party> {
    const transport = options.transport ?? 'tls'
    const cable = await layCable(this.#way.ports[transport])
    const party = new Party(this.#program, `${this.#name}.${this.#parties.length}`, cable)
    this.#parties.push(party)
    await party.connect({
      transport,
      host: 'localhost',
      port: cable.port,
      ...(transport === 'tls'
        ? { authorities: this.#way.authorities, ...this.#way.users[user] }
        : { username: user, password: this.#way.password }),
      version: this.version,
      clientId: '',
      clean: true,
      keepAlive: 60,
      properties: {},
      ...(will ? { will: { qos: 1, retain: false, properties: {}, ...will } } : {}),
      ...(filters ? { filters: filters.map(completeFilter) } : {}),
      ...options,
    })
    return party
  }

  /** A client whose session outlives its connections; seconds matter to MQTT 5 only. */
  connectStored(clientId: string, options: PartyOptions = {}, sessionExpiryInterval = 300): Promise<Party> {
    const properties = this.version === 5 ? { sessionExpiryInterval, ...options.properties } : {}
    return this.connect({ clientId, clean: false, ...options, properties })
  }

  /** Compares what a client saw; notes why instead if this one cannot see it. */
  check(ability: Ability, actual: unknown, expected: unknown, what: string = ability): void {
    const reason = this.#blindSpots[ability]
    if (reason !== undefined) this.blind.add(reason)
    else assert.deepEqual(actual, expected, `${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
  }

  /** Ends all its clients; does not wait for those that hang, which end with their program. */
  async clear(): Promise<void> {
    const dropped = Promise.all(this.#parties.map((party) => party.drop()))
    await Promise.race([dropped, setTimeout(patience, undefined, { ref: false })])
    await Promise.all(this.#parties.map(({ cable }) => cable.close()))
  }
}
