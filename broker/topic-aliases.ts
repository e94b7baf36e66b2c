/** The aliases that stand for topics on the way to one client, over one connection [MQTT-3.3.2-7]. */
export class OutgoingAliases {
  readonly #maximum: number
  /** The one that was not used for longest comes first. */
  readonly #aliases = new Map<string, number>()

  /** `maximum`: how many there may be, at least 1. */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** The alias that the client knows for a topic. */
  known(topic: string): number | undefined {
    const alias = this.#aliases.get(topic)
    if (alias === undefined) return undefined
    this.#aliases.delete(topic)
    this.#aliases.set(topic, alias)
    return alias
  }

  /** The alias that a new topic can have. */
  free(): number {
    if (this.#aliases.size < this.#maximum) return this.#aliases.size + 1
    const [oldest = 1] = this.#aliases.values()
    return oldest
  }

  /** The client was told that this alias, which was free, now stands for the topic. */
  told(topic: string, alias: number): void {
    if (this.#aliases.size >= this.#maximum) {
      const [oldest = ''] = this.#aliases.keys()
      this.#aliases.delete(oldest)
    }
    this.#aliases.set(topic, alias)
  }
}
