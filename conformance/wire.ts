import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { generate, type Packet } from 'mqtt-packet'
import { type Frame, readFrame } from './frames.ts'

type Kind = Packet['cmd']
type Of<K extends Kind> = Extract<Packet, { cmd: K }>
/** A packet to be made, bytes, or bytes as hexadecimal digits (blanks are left out). */
export type Outgoing = Packet | Buffer | string

/** Far more than any answer takes, so that a busy machine fails no test. */
const DEADLINE = 20_000

/** One connection to a broker, packet by packet: what is sent is not checked, what comes is not left out. */
export class Wire {
  readonly stream: Duplex
  readonly version: 4 | 5
  readonly #frames: Frame[] = []
  #rest: Buffer = Buffer.alloc(0)
  #wake = () => {}
  #isClosed = false
  #fault: Error | undefined

  constructor(stream: Duplex, version: 4 | 5) {
    this.stream = stream
    this.version = version
    stream.on('data', (bytes: Buffer) => this.#take(bytes))
    stream.on('error', () => {})
    stream.once('end', () => stream.destroy())
    stream.once('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  /** Sends it all in one piece. */
  send(...outgoing: readonly Outgoing[]): void {
    this.stream.write(Buffer.concat(outgoing.map((what) => encode(what, this.version))))
  }

  /** The next packet, of whatever kind; fails if the connection ends or nothing comes. */
  async next(): Promise<Frame> {
    const frame = await this.#frame()
    assert.ok(frame, 'the broker has closed the connection before it sent a packet')
    return frame
  }

  /** The very next packet, which must be of this kind. */
  async expect<K extends Kind>(kind: K): Promise<Frame<Of<K>>> {
    const frame = await this.next()
    assert.equal(frame.packet.cmd, kind, `${frame.bytes.toString('hex')} came`)
    return frame as Frame<Of<K>>
  }

  /** Waits until the broker has closed the connection; gives what it had sent before and nobody took. */
  async closed(): Promise<readonly Frame[]> {
    const frames: Frame[] = []
    for (;;) {
      const frame = await this.#frame()
      if (!frame) return frames
      frames.push(frame)
    }
  }

  /** Closed, and without a word. */
  async closedSilently(): Promise<void> {
    const frames = await this.closed()
    assert.deepEqual(
      frames.map(({ bytes }) => bytes.toString('hex')),
      [],
    )
  }

  /**
   * Still connected, and nothing came: the very next packet is the answer to this PINGREQ. Messages that are on their way may
   * come later than that: where one must not come, publish a marker behind it and expect that first.
   */
  async quiet(): Promise<void> {
    this.send({ cmd: 'pingreq' })
    await this.expect('pingresp')
  }

  /** Cuts the connection without a DISCONNECT. */
  cut(): void {
    this.stream.destroy()
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes])
    try {
      for (let frame = readFrame(this.#rest, this.version); frame; frame = readFrame(this.#rest, this.version)) {
        this.#rest = this.#rest.subarray(frame.bytes.length)
        this.#frames.push(frame)
      }
    } catch (error) {
      this.#fault = new Error(`the broker sent what is not MQTT: ${error instanceof Error ? error.message : error}`)
      this.stream.destroy()
    }
    this.#wake()
  }

  async #frame(): Promise<Frame | undefined> {
    const deadline = AbortSignal.timeout(DEADLINE)
    deadline.addEventListener('abort', () => this.#wake())
    for (;;) {
      const frame = this.#frames.shift()
      if (frame) return frame
      if (this.#fault) throw this.#fault
      if (this.#isClosed) return undefined
      assert.ok(!deadline.aborted, 'nothing came, and the connection is still open')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

function encode(what: Outgoing, version: 4 | 5): Buffer {
  if (Buffer.isBuffer(what)) return what
  if (typeof what !== 'string') return generate(what, { protocolVersion: version })
  const digits = what.replaceAll(/\s/g, '')
  assert.match(digits, /^([0-9a-f]{2})*$/i, 'these are not bytes in hexadecimal digits')
  return Buffer.from(digits, 'hex')
}
