import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type ExecaError, execa } from 'execa'
import type { Command, Commands, Line, Message } from './protocol.ts'

/** Hears of one client in a program. */
export interface Listener {
  message(message: Message): void
  closed(reasonCode: number | undefined): void
}

/** How a client program is started. */
export interface Start {
  readonly command: string
  readonly args: readonly string[]
}

/** A running client program: it holds any number of clients, which are told apart by their names. */
export class Program {
  readonly #process
  readonly #listeners = new Map<string, Listener>()
  readonly #waiting = new Map<number, { resolve(answer: object): void; reject(error: Error): void }>()
  readonly #ended: Promise<unknown>
  #next = 0
  #fault: Error | undefined

  constructor({ command, args }: Start) {
    this.#process = execa(command, args, {
      reject: false,
      buffer: { stdout: false },
      stdin: 'pipe',
      cleanup: true,
      extendEnv: true,
    })
    const lines = createInterface({ input: this.#process.stdout })
    lines.on('line', (line) => this.#take(JSON.parse(line)))
    this.#ended = this.#end(once(lines, 'close'))
  }

  listen(client: string, listener: Listener): void {
    this.#listeners.set(client, listener)
  }

  /** @throws Error with what the program said when it cannot do it */
  ask<Name extends Command>(client: string, name: Name, what: Commands[Name][0]): Promise<Commands[Name][1]> {
    const id = this.#next++
    const { promise, resolve, reject } = Promise.withResolvers<object>()
    if (this.#fault) reject(this.#fault)
    else this.#waiting.set(id, { resolve, reject })
    this.#process.stdin.write(`${JSON.stringify({ id, do: name, client, ...what })}\n`)
    // Who does not wait for the answer is not told that it failed.
    promise.catch(() => {})
    return promise as Promise<Commands[Name][1]>
  }

  /** Ends it with all of its clients. */
  async stop(): Promise<void> {
    this.#process.stdin.end()
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5_000)
    await this.#ended
    clearTimeout(timer)
  }

  #take(line: Line): void {
    if ('client' in line) {
      const listener = this.#listeners.get(line.client)
      if ('message' in line) listener?.message(line.message)
      else listener?.closed(line.closed.reasonCode)
      return
    }
    const waiting = this.#waiting.get(line.id)
    this.#waiting.delete(line.id)
    if ('error' in line) waiting?.reject(new Error(line.error))
    else waiting?.resolve(line.answer)
  }

  async #end(output: Promise<unknown>): Promise<void> {
    this.#process.stdin.on('error', () => {})
    const result = await this.#process
    await output
    const said = result.stderr.trim().split('\n').slice(-5).join('\n') || (result as ExecaError).shortMessage
    this.#fault = new Error(`the client program ended: ${said}`)
    for (const { reject } of this.#waiting.values()) reject(this.#fault)
    this.#waiting.clear()
  }
}
