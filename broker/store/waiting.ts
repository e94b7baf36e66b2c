/** Those who wait for something to happen. */
export class Waiting {
  #waiting = new Set<() => void>()

  /** Resolves at the next release, or after so many milliseconds. */
  next(longest?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = longest === undefined ? undefined : setTimeout(() => done(), longest)
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      this.#waiting.add(done)
    })
  }

  release(): void {
    if (this.#waiting.size === 0) return
    for (const done of [...this.#waiting]) done()
  }
}
