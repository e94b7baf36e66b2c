import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type Answer, type Question, type ThreadOptions, threadSource } from './sqlite-thread.ts'
import {
  type Acknowledge,
  type Change,
  NotStored,
  type QueuedMessage,
  type RetainedPage,
  type Store,
  type StoreAlarm,
  type StoredState,
  StoreUnusable,
} from './store.ts'

interface Reading {
  readonly question: Question
  readonly settled: PromiseWithResolvers<unknown>
}

/** Changes that become durable together. */
interface Batch {
  changes: Change[]
  untilDone: Change[]
  readonly settled: PromiseWithResolvers<void>
  bytes: number
}

const BATCH_CHANGES = 10_000
const BATCH_BYTES = 8 * 1024 * 1024
const RETRY_DELAY = 1_000
/** How long what is only written may wait for its sync, milliseconds. */
const SYNC_DELAY = 500

export interface SqliteStoreAlarm extends StoreAlarm {
  /** The file was damaged: it lies in another folder now, and an empty one is in use. */
  damaged(error: string, movedTo: string): void
}

/**
 * A store in one SQLite file, which a thread of its own writes. The thread has one task at a time; what is written while it
 * waits for the disk becomes the next batch. So there is one sync for many messages under load, and no delay without.
 */
export class SqliteStore implements Store {
  readonly #worker: Worker
  readonly #alarm: SqliteStoreAlarm
  readonly #acknowledge: Acknowledge
  readonly #tasks: (Reading | Batch)[] = []
  #current: Reading | Batch | undefined
  #untilDone: Change[] = []
  #isScheduled = false
  #isFailing = false
  #isSyncDue = false
  #end: string | undefined

  /** The directory must be there. */
  constructor(directory: string, alarm: SqliteStoreAlarm, acknowledge: Acknowledge = 'synced') {
    this.#alarm = alarm
    this.#acknowledge = acknowledge
    const execArgv = ['--disable-warning=ExperimentalWarning']
    const workerData: ThreadOptions = { directory, acknowledge }
    this.#worker = new Worker(threadSource, { workerData, execArgv })
    this.#worker.on('message', (answer: Answer) => this.#settle(answer))
    this.#worker.on('error', (error) => this.#die(error instanceof Error ? error.message : String(error)))
  }

  async load(): Promise<StoredState> {
    const answer = await this.#read({ what: 'load' })
    const { state, damage } = answer as { state: StoredState; damage?: { error: string; movedTo: string } }
    if (damage) this.#alarm.damaged(damage.error, damage.movedTo)
    return state
  }

  write(changes: readonly Change[]): Promise<void> {
    return this.#add(changes, false)
  }

  writeUntilDone(changes: readonly Change[]): Promise<void> {
    return this.#add(changes, true)
  }

  async readQueue(session: number, after: number, messages: number, bytes: number): Promise<readonly QueuedMessage[]> {
    return (await this.#read({ what: 'read queue', session, after, messages, bytes })) as QueuedMessage[]
  }

  async readRetained(filter: string, from: string): Promise<RetainedPage> {
    return (await this.#read({ what: 'read retained', filter, from })) as RetainedPage
  }

  async readExpired(...[now, after, limit]: Parameters<Store['readExpired']>) {
    const expired = await this.#read({ what: 'read expired', now, after, limit })
    return expired as Awaited<ReturnType<Store['readExpired']>>
  }

  async close(): Promise<void> {
    if (this.#end !== undefined) return
    const exit = once(this.#worker, 'exit')
    const closed = this.#read({ what: 'close' })
    this.#end = 'the store is closed'
    // Where it was never open, there is nothing to close.
    await closed.catch(() => this.#worker.terminate())
    await exit
  }

  #add(changes: readonly Change[], isUntilDone: boolean): Promise<void> {
    if (this.#end !== undefined) return reject(new NotStored(this.#end))
    const last = this.#tasks.at(-1)
    const batch = last && 'changes' in last && hasRoom(last) ? last : newBatch()
    if (batch !== last) this.#tasks.push(batch)
    for (const change of changes) {
      batch.changes.push(change)
      if (isUntilDone) batch.untilDone.push(change)
      batch.bytes += sizeOf(change)
    }
    this.#schedule()
    return batch.settled.promise
  }

  #read(question: Question): Promise<unknown> {
    if (this.#end !== undefined) return reject(new NotStored(this.#end))
    const settled = Promise.withResolvers<unknown>()
    this.#tasks.push({ question, settled })
    this.#schedule()
    return settled.promise
  }

  /** Waits for what else comes in this turn of the event loop. */
  #schedule(): void {
    if (this.#isScheduled || this.#current) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#next()
    })
  }

  #next(): void {
    if (this.#current) return
    const task = this.#tasks.shift()
    if (!task) return
    this.#current = task
    if ('question' in task) {
      this.#worker.postMessage(task.question)
      return
    }
    // What failed before comes first, so that the order stays.
    task.changes = [...this.#untilDone, ...task.changes]
    task.untilDone = [...this.#untilDone, ...task.untilDone]
    this.#untilDone = []
    this.#worker.postMessage({ what: 'write', changes: task.changes } satisfies Question)
  }

  #settle(answer: Answer): void {
    const task = this.#current
    this.#current = undefined
    if (task && 'changes' in task) this.#settleBatch(task, answer)
    else if (answer.error === undefined) task?.settled.resolve(answer.result)
    else task?.settled.reject(answer.isUnusable ? new StoreUnusable(answer.error) : new Error(answer.error))
    this.#next()
  }

  #settleBatch(batch: Batch, answer: Answer): void {
    if (answer.error !== undefined) {
      this.#fail(batch, answer.error)
      return
    }
    if (this.#isFailing) this.#alarm.working()
    this.#isFailing = false
    batch.settled.resolve()
    if (this.#acknowledge === 'written') this.#syncSoon()
  }

  #syncSoon(): void {
    if (this.#isSyncDue) return
    this.#isSyncDue = true
    setTimeout(() => {
      this.#isSyncDue = false
      if (this.#end !== undefined) return
      this.#read({ what: 'sync' }).catch((error: Error) => this.#noteFailure(`not synced: ${error.message}`))
    }, SYNC_DELAY).unref()
  }

  #fail(batch: Batch, reason: string): void {
    this.#noteFailure(reason)
    batch.settled.reject(new NotStored(reason))
    if (batch.untilDone.length === 0) return
    this.#untilDone.push(...batch.untilDone)
    setTimeout(() => {
      if (this.#end === undefined && this.#untilDone.length > 0) this.#add([], true).catch(() => {})
    }, RETRY_DELAY).unref()
  }

  #noteFailure(reason: string): void {
    if (!this.#isFailing) this.#alarm.failing(reason)
    this.#isFailing = true
  }

  #die(reason: string): void {
    this.#end = `the store's thread ended: ${reason}`
    this.#noteFailure(this.#end)
    const tasks = [...(this.#current ? [this.#current] : []), ...this.#tasks]
    this.#tasks.length = 0
    for (const { settled } of tasks) settled.reject(new NotStored(this.#end))
  }
}

function newBatch(): Batch {
  const settled = Promise.withResolvers<void>()
  // Who does not wait for it has nothing to do when it fails.
  settled.promise.catch(() => {})
  return { changes: [], untilDone: [], settled, bytes: 0 }
}

function hasRoom(batch: Batch): boolean {
  return batch.changes.length < BATCH_CHANGES && batch.bytes < BATCH_BYTES
}

function sizeOf(change: Change): number {
  if (change.kind === 'queued' || change.kind === 'retained') return change.message.payload.length
  return 0
}

function reject(error: Error): Promise<never> {
  const promise = Promise.reject(error)
  promise.catch(() => {})
  return promise
}
