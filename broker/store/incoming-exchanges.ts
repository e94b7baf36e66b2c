interface Exchange {
  /** Until the message is stored. */
  stored?: Promise<void>
  /** Until the end of the exchange is stored. */
  completed?: Promise<void>
  readonly packet?: object | undefined
}

/** The QoS 2 publishes of one session that were received and not released, by packet identifier. */
export class IncomingExchanges {
  readonly #exchanges = new Map<number, Exchange>()

  constructor(packetIds: Iterable<number> = []) {
    for (const packetId of packetIds) this.#exchanges.set(packetId, {})
  }

  get size(): number {
    return this.#exchanges.size
  }

  /** If the publish was received before: a promise that it was stored, or rejects as that did. */
  earlier(packetId: number): Promise<void> | undefined {
    const exchange = this.#exchanges.get(packetId)
    return exchange && (exchange.stored ?? Promise.resolve())
  }

  /** Notes a new publish; forgets it again if it cannot be stored. */
  open(packetId: number, stored: Promise<void> | undefined, packet?: object): void {
    const exchange: Exchange = { ...(stored ? { stored } : {}), packet }
    this.#exchanges.set(packetId, exchange)
    stored?.then(
      () => delete exchange.stored,
      () => this.#exchanges.delete(packetId),
    )
  }

  /** The packet that was given with it. */
  packetOf(packetId: number): object | undefined {
    return this.#exchanges.get(packetId)?.packet
  }

  /** Whether the publish was received and not released; waits for what is being written about it. */
  async isOpen(packetId: number): Promise<boolean> {
    const exchange = this.#exchanges.get(packetId)
    if (!exchange) return false
    await exchange.stored
    if (!exchange.completed) return true
    await exchange.completed
    return false
  }

  /** Ends an exchange when that is stored; until then its packet identifier is not free. */
  async complete(packetId: number, store: () => Promise<void>): Promise<void> {
    const exchange = this.#exchanges.get(packetId)
    if (!exchange) return
    exchange.completed ??= store()
    try {
      await exchange.completed
      this.#exchanges.delete(packetId)
    } catch (error) {
      delete exchange.completed
      throw error
    }
  }
}
