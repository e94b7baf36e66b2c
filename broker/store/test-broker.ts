import { duplexPair } from 'node:stream'
import type { TestContext } from 'node:test'
import type { IConnackPacket, IConnectPacket } from 'mqtt-packet'
import { pino } from 'pino'
import { createBroker } from '../broker.ts'
import { Journal } from '../journal.ts'
import { type Limits, limits } from '../limits.ts'
import { connectPacket, RawClient } from '../test-support.ts'
import { SqliteStore } from './sqlite-store.ts'
import { type Change, NotStored, type Store, type StoredState } from './store.ts'

export interface StoreTestBroker {
  readonly store: FaultyStore
  /** What was logged, parsed. */
  readonly lines: readonly Record<string, unknown>[]
  /** Connects without sockets, `username` as if by its certificate; does not wait for the answer. */
  open(version: 4 | 5, more?: Partial<IConnectPacket>, username?: string): RawClient
  /** Connects and gives the answer, too. */
  login(
    version: 4 | 5,
    more?: Partial<IConnectPacket>,
    username?: string,
  ): Promise<{ client: RawClient; connack: IConnackPacket }>
  /** Ends as by a crash: nothing is stored any more, nobody takes leave. */
  crash(): Promise<void>
}

/** A broker without listeners over a store in this directory, which can be made to fail. */
export async function startStoreBroker(
  t: TestContext,
  directory: string,
  smallerLimits: Partial<Limits> = {},
): Promise<StoreTestBroker> {
  const lines: Record<string, unknown>[] = []
  const all = { ...limits, ...smallerLimits }
  const journal = new Journal(pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }), all)
  const inner = new SqliteStore(directory, { failing: fail, working: fail, damaged: fail })
  const store = new FaultyStore(inner)
  const administrators = new Set(['admin'])
  const broker = await createBroker({
    administrators,
    passwords: new Map(),
    limits: all,
    journal,
    store,
    onUnusable: fail,
  })
  const crash = async () => {
    await store.close()
    await broker.close()
  }
  t.after(crash)
  const open: StoreTestBroker['open'] = (version, more = {}, username = 'try') => {
    const [here, there] = duplexPair()
    // Like a socket, which is not half open.
    here.once('end', () => here.destroy())
    broker.accept({
      stream: there,
      door: 'mqtts',
      address: '127.0.0.1',
      addressGroup: '127.0.0.1',
      certificateUsername: username,
      leaveWaitingRoom: () => {},
    })
    const client = new RawClient(here, version)
    client.send(connectPacket(version, more))
    return client
  }
  const login: StoreTestBroker['login'] = async (version, more, username) => {
    const client = open(version, more, username)
    return { client, connack: await client.next('connack') }
  }
  return { store, lines, open, login, crash }
}

/** What lies in a store that no broker uses. */
export async function readStore(directory: string): Promise<StoredState> {
  const store = new SqliteStore(directory, { failing: fail, working: fail, damaged: fail })
  try {
    return await store.load()
  } finally {
    await store.close()
  }
}

function fail(...reasons: readonly unknown[]): never {
  throw new Error(`the store fails: ${reasons.join()}`)
}

/** What makes a session outlive its connection. */
export function stored(version: 4 | 5, clientId: string, seconds = 60): Partial<IConnectPacket> {
  return { clientId, clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: seconds } } : {}) }
}

/** A store that can be held up and made to fail. */
class FaultyStore implements Store {
  readonly #store: Store
  #open: Promise<void> = Promise.resolve()
  isFailing = false

  constructor(store: Store) {
    this.#store = store
  }

  /** Stores nothing until the function that it gives is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#open = promise
    return resolve
  }

  load = () => this.#store.load()
  readQueue: Store['readQueue'] = (...args) => this.#store.readQueue(...args)
  readExpired: Store['readExpired'] = (...args) => this.#store.readExpired(...args)
  readRetained: Store['readRetained'] = (...args) => this.#store.readRetained(...args)
  close = () => this.#store.close()

  async write(changes: readonly Change[]): Promise<void> {
    await this.#open
    if (this.isFailing) throw new NotStored('disk full')
    await this.#store.write(changes)
  }

  async writeUntilDone(changes: readonly Change[]): Promise<void> {
    await this.#open
    if (this.isFailing) throw new NotStored('disk full')
    await this.#store.writeUntilDone(changes)
  }
}
