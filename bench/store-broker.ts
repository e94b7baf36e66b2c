import { createServer } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import { createBroker } from '../broker/broker.ts'
import { Journal } from '../broker/journal.ts'
import { limits } from '../broker/limits.ts'
import { SqliteDatabase } from '../broker/store/sqlite-database.ts'
import { SqliteStore } from '../broker/store/sqlite-store.ts'
import type { Change, Store } from '../broker/store/store.ts'

/** A broker in a process of its own, over a store in a thread or on the event loop itself; who connects is the user `try`. */
const [variant, directory = ''] = process.argv.slice(2)

/** The alternative: the same batches, written by the event loop. */
class LoopStore implements Store {
  readonly #database: SqliteDatabase
  #changes: Change[] = []
  #written = Promise.withResolvers<void>()

  constructor(file: string) {
    this.#database = new SqliteDatabase(file)
  }

  write(changes: readonly Change[]): Promise<void> {
    if (this.#changes.length === 0) setImmediate(() => this.#flush())
    this.#changes.push(...changes)
    return this.#written.promise
  }

  writeUntilDone = (changes: readonly Change[]) => this.write(changes)
  load = async () => this.#database.load()
  readQueue: Store['readQueue'] = async (...args) => this.#database.readQueue(...args)
  readExpired: Store['readExpired'] = async (...args) => this.#database.readExpired(...args)
  readRetained: Store['readRetained'] = async (...args) => this.#database.readRetained(...args)
  close = async () => this.#database.close()

  #flush(): void {
    const [changes, written] = [this.#changes, this.#written]
    this.#changes = []
    this.#written = Promise.withResolvers<void>()
    this.#database.write(changes)
    written.resolve()
  }
}

function fail(...reasons: readonly unknown[]): never {
  throw new Error(reasons.join())
}

const store: Store =
  variant === 'loop'
    ? new LoopStore(`${directory}/broker.sqlite`)
    : new SqliteStore(
        directory,
        { failing: fail, working: fail, damaged: fail },
        variant === 'written' ? 'written' : 'synced',
      )
const broker = await createBroker({
  administrators: new Set(),
  passwords: new Map(),
  limits,
  journal: new Journal(pino({ level: 'silent' }), limits),
  store,
  onUnusable: fail,
})
const server = createServer({ noDelay: true }, (stream) => {
  broker.accept({
    stream,
    door: 'mqtts',
    address: '127.0.0.1',
    addressGroup: '127.0.0.1',
    certificateUsername: 'try',
    leaveWaitingRoom: () => {},
  })
})
server.listen(0, '127.0.0.1', () => process.send?.({ address: server.address(), memory: process.memoryUsage.rss() }))

const delay = monitorEventLoopDelay({ resolution: 1 })
let cpu = process.cpuUsage()
process.on('message', (what) => {
  if (what === 'begin') {
    delay.enable()
    delay.reset()
    cpu = process.cpuUsage()
    return
  }
  const { user, system } = process.cpuUsage(cpu)
  process.send?.({ p99: delay.percentile(99) / 1e6, max: delay.max / 1e6, cpu: user + system })
})
