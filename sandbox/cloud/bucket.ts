/** A rate limit as the providers keep it: `capacity` requests at once, one more every `refillMilliseconds`. */
export class Bucket {
  readonly capacity: number
  readonly #refillMilliseconds: number
  #used = 0
  #since = Date.now()

  constructor(capacity: number, refillMilliseconds: number) {
    this.capacity = capacity
    this.#refillMilliseconds = refillMilliseconds
  }

  /** Takes one request; false when none is left. */
  take(): boolean {
    this.#refill()
    if (this.#used >= this.capacity) return false
    this.#used += 1
    return true
  }

  get remaining(): number {
    return this.capacity - this.#used
  }

  /** Seconds since 1970 when the bucket will be full again. */
  get fullAt(): number {
    return Math.ceil((this.#since + this.#used * this.#refillMilliseconds) / 1000)
  }

  #refill() {
    const now = Date.now()
    if (now < this.#since) this.#since = now
    const back = Math.floor((now - this.#since) / this.#refillMilliseconds)
    this.#used = Math.max(0, this.#used - back)
    this.#since = this.#used === 0 ? now : this.#since + back * this.#refillMilliseconds
  }
}
