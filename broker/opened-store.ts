import type { Journal } from './journal.ts'
import { SqliteStore, type SqliteStoreAlarm } from './store/sqlite-store.ts'
import type { Acknowledge, Store, StoreUnusable } from './store/store.ts'

const RETRY_DELAY = 5_000

/** The broker's store, with its alarms in the log. */
export class OpenedStore {
  readonly store: Store
  readonly #directory: string
  readonly #journal: Journal
  readonly #acknowledge: Acknowledge
  readonly #onAlarm: (sentence: string) => void
  readonly #isBack = Promise.withResolvers<void>()
  #retrying: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(directory: string, journal: Journal, acknowledge: Acknowledge, onAlarm: (sentence: string) => void) {
    this.#directory = directory
    this.#journal = journal
    this.#acknowledge = acknowledge
    this.#onAlarm = onAlarm
    this.store = this.#create()
    if (acknowledge === 'synced') return
    this.#journal.warn(
      'messages are acknowledged before they are on the disk: a power cut loses those of the last second',
      {
        acknowledge,
      },
    )
  }

  /** Resolves when the store can be opened after all. */
  get isBack(): Promise<void> {
    return this.#isBack.promise
  }

  /** The store cannot be opened: tries it again from time to time. */
  watch(error: StoreUnusable): void {
    this.#alarm('the store cannot be opened: nothing is stored, QoS 1 and 2 are refused where they need it', {
      directory: this.#directory,
      error: error.message,
    })
    this.#retrying = setTimeout(() => void this.#retry(error), RETRY_DELAY)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#retrying)
    await this.store.close()
  }

  async #retry(error: StoreUnusable): Promise<void> {
    const attempt = this.#create()
    const isUsable = await attempt.load().then(
      () => true,
      () => false,
    )
    await attempt.close()
    if (this.#isClosed) return
    if (isUsable) {
      this.#alarm('the store can be opened again: the broker must start anew', { directory: this.#directory })
      this.#isBack.resolve()
    } else {
      this.#retrying = setTimeout(() => void this.#retry(error), RETRY_DELAY)
    }
  }

  #alarm(sentence: string, details: Readonly<Record<string, unknown>>): void {
    this.#journal.alarm(sentence, details)
    this.#onAlarm(sentence)
  }

  #create(): SqliteStore {
    const directory = this.#directory
    const alarm: SqliteStoreAlarm = {
      failing: (error) => this.#alarm('the store fails: what needs it is refused', { directory, error }),
      working: () => this.#alarm('the store works again', { directory }),
      damaged: (error, movedTo) =>
        this.#alarm('the store was damaged: it was moved aside, the broker begins with an empty one', {
          directory,
          error,
          movedTo,
        }),
    }
    return new SqliteStore(directory, alarm, this.#acknowledge)
  }
}
