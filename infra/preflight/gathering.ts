import { log } from '@pulumi/pulumi'
import { refused, type Verdict } from './verdict.ts'

/**
 * Runs checks that come one by one, some at the same time, and tells their refusals together: the engine stops at the
 * first failure, and a person wants to hear of all.
 */
export class Gathering {
  readonly #refusals = new Set<string>()
  readonly #warnings = new Set<string>()
  #running = 0
  #waiting: (() => void)[] = []
  #told = 0

  /** @throws Error with every refusal so far, when the check refuses; what has been told is not told again */
  async run(check: () => Promise<Verdict>): Promise<void> {
    this.#running += 1
    const { refusals = [], warnings = [] } = await check().catch((error: unknown) =>
      refused(error instanceof Error ? error.message : String(error)),
    )
    for (const refusal of refusals) this.#refusals.add(refusal)
    for (const warning of warnings) this.#warn(warning)
    await this.#others()
    if (refusals.length === 0) return
    const untold = [...this.#refusals].slice(this.#told)
    this.#told = this.#refusals.size
    throw new Error(untold.join('\n\n') || 'refused for a reason that is given with another resource')
  }

  async #others(): Promise<void> {
    this.#running -= 1
    if (this.#running > 0) return new Promise((resolve) => this.#waiting.push(resolve))
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }

  #warn(warning: string): void {
    if (!this.#warnings.has(warning)) log.warn(warning)
    this.#warnings.add(warning)
  }
}
