import pLimit, { type LimitFunction } from 'p-limit'

/** Puts what is asked of one machine or volume in a row: a firewall change waits until the machine that it is for was made. */
export class Turns {
  readonly #queues = new Map<number, LimitFunction>()

  /** Runs `work` after everything that was asked for this id before. */
  async run<Result>(id: number, work: () => Promise<Result>): Promise<Result> {
    const queue = this.#queues.get(id) ?? pLimit(1)
    this.#queues.set(id, queue)
    try {
      return await queue(work)
    } finally {
      if (queue.activeCount + queue.pendingCount === 0) this.#queues.delete(id)
    }
  }
}
