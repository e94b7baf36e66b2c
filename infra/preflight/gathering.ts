import { log } from '@pulumi/pulumi'
import { refused, type Verdict } from './verdict.ts'

/**
 * Runs checks that come one by one, some at the same time. The engine stops at the first failure, and a person wants to
 * hear of all: so those of one moment fail together, each with what is wrong with its own resource.
 */
export class Gathering {
  readonly #told = new Set<string>()
  readonly #warnings = new Set<string>()
  #running = 0
  #waiting: (() => void)[] = []

  /** @throws Error with the check's refusals; what was told of another resource, as of a token, is not told again */
  async run(check: () => Promise<Verdict>): Promise<void> {
    this.#running += 1
    const { refusals = [], warnings = [] } = await check().catch((error: unknown) =>
      refused(error instanceof Error ? error.message : String(error)),
    )
    for (const warning of warnings) this.#warn(warning)
    await this.#others()
    if (refusals.length === 0) return
    const untold = refusals.filter((refusal) => !this.#told.has(refusal))
    for (const refusal of untold) this.#told.add(refusal)
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
