/** Lets one after the other do something that must not overlap, for each key. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  /** Resolves when all earlier turns of the key have ended, with the function that ends this one. */
  async take(key: string): Promise<() => void> {
    const previous = this.#last.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last.set(key, promise)
    await previous
    return () => {
      if (this.#last.get(key) === promise) this.#last.delete(key)
      resolve()
    }
  }
}
