import type { Client } from 'aedes'
import { innerClient } from '../aedes-internals.ts'

/** Writes to one client's socket: what comes in one turn of the event loop leaves together. */
export class SocketWriter {
  readonly #client: Client
  readonly #onDrained: () => void
  #isCorked = false
  #isDraining = false
  #unreadBefore = 0

  /** `onDrained` is called when a socket that was full can take more. */
  constructor(client: Client, onDrained: () => void) {
    this.#client = client
    this.#onDrained = onDrained
  }

  /** Whether the socket's buffer is full. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Bytes that the client had not read when this turn began: what comes together is not a sign that it is slow. */
  get unread(): number {
    return this.#isCorked ? this.#unreadBefore : this.#client.conn.writableLength
  }

  write(bytes: Buffer): void {
    const { conn } = this.#client
    const { outlet } = innerClient(this.#client)
    this.#cork()
    if (outlet.send(bytes) || this.#isDraining || conn.destroyed) return
    this.#isDraining = true
    // Ends the connection if the client does not read for too long.
    innerClient(this.#client).waitForDrain(() => {
      this.#isDraining = false
      this.#onDrained()
    })
  }

  #cork(): void {
    if (this.#isCorked) return
    const { conn } = this.#client
    this.#isCorked = true
    this.#unreadBefore = conn.writableLength
    conn.cork()
    setImmediate(() => {
      this.#isCorked = false
      conn.uncork()
    })
  }
}
