import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DnsRecord } from './datacenter.ts'
import { dnsRecords } from './dns-records.ts'
import { emptyState, type State, stateSchema } from './state.ts'
import { type CloudSummary, summarize } from './summary.ts'

/**
 * The state of the emulated cloud: in memory, and in one JSON file that is replaced as a whole after every change, so that
 * an answer is never given for something that a crash could take back.
 */
export class CloudStore {
  readonly state: State
  readonly #file: string

  private constructor(file: string, state: State) {
    this.#file = file
    this.state = state
  }

  /**
   * Opens the state kept in `file`, or an empty one where there is no such file.
   * @throws Error when the file is there but is not a state that this version wrote
   */
  static open(file: string): CloudStore {
    const text = readIfPresent(file)
    if (text === undefined) return new CloudStore(file, emptyState())
    const parsed = stateSchema.safeParse(parseJson(text))
    if (!parsed.success) {
      throw new Error(`${file} is not a state of the sandbox's cloud: run "npm run sandbox -- down", which removes it`)
    }
    const store = new CloudStore(file, parsed.data)
    store.change(interrupt)
    return store
  }

  /** Runs `mutate` on the state and saves it; nothing is saved when it throws, so it must check before it changes. */
  change<Result>(mutate: (state: State) => Result): Result {
    const result = mutate(this.state)
    this.#save()
    return result
  }

  /** A number that no other object of this cloud has or had; the next `change` saves that it is taken. */
  nextId(): number {
    this.state.lastId += 1
    return this.state.lastId
  }

  /** The zone's records as the name server wants them, for `Datacenter.setRecords` when the cloud starts. */
  dnsRecords(): DnsRecord[] {
    return dnsRecords(this.state.records)
  }

  /** What stands, in plain words; no user data, no keys. */
  summary(): CloudSummary {
    return summarize(this.state)
  }

  #save() {
    mkdirSync(dirname(this.#file), { recursive: true })
    const partial = `${this.#file}.partial`
    // user_data holds the servers' SSH host keys
    writeFileSync(partial, `${JSON.stringify(this.state, null, 2)}\n`, { mode: 0o600 })
    renameSync(partial, this.#file)
  }
}

/** What was under way when the cloud stopped will never end by itself: say so instead of letting clients poll forever. */
function interrupt(state: State) {
  for (const action of state.actions.filter(({ status }) => status === 'running')) {
    action.status = 'error'
    action.progress = 100
    action.finished = new Date().toISOString()
    action.error = { code: 'action_failed', message: 'the cloud was stopped while this action was under way' }
  }
  for (const server of state.servers) {
    if (server.locked) server.status = 'unknown'
    server.locked = false
  }
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
