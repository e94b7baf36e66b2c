import type { Logger } from 'pino'
import type { Limits } from './limits.ts'

/** What the broker writes down about its clients. */
export type JournalEvent = 'connected' | 'disconnected' | 'refused' | 'locked' | 'denied' | 'limited' | 'failed'

/** Writes one line per event, but no more per second and kind than the log can take; the next line says how many are missing. */
export class Journal {
  readonly #logger: Logger
  readonly #linesPerSecond: number
  readonly #windows = new Map<JournalEvent, { second: number; lines: number; missing: number }>()

  constructor(logger: Logger, limits: Pick<Limits, 'logLinesPerSecond'>) {
    this.#logger = logger
    this.#linesPerSecond = limits.logLinesPerSecond
  }

  /** Something that a person must look at: never left out. */
  alarm(message: string, details: Readonly<Record<string, unknown>>): void {
    this.#logger.error(details, message)
  }

  /** Something that a person has chosen and should know of. */
  warn(message: string, details: Readonly<Record<string, unknown>>): void {
    this.#logger.warn(details, message)
  }

  write(event: JournalEvent, details: Readonly<Record<string, unknown>>): void {
    const second = Math.floor(performance.now() / 1000)
    const window = this.#windows.get(event) ?? { second, lines: 0, missing: 0 }
    this.#windows.set(event, window)
    if (window.second !== second) {
      window.second = second
      window.lines = 0
    }
    if (window.lines >= this.#linesPerSecond) {
      window.missing++
      return
    }
    window.lines++
    const missing = window.missing > 0 ? { missing: window.missing } : {}
    window.missing = 0
    this.#logger.info({ ...details, ...missing }, event)
  }
}
