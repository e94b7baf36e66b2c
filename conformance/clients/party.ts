import assert from 'node:assert/strict'
import type { Cable } from './cable.ts'
import type { Program } from './program.ts'
import type { Command, Commands, Connect, Connected, Filter, Message, Properties, QoS } from './protocol.ts'

export interface PublishOptions {
  readonly qos?: QoS
  readonly retain?: boolean
  readonly properties?: Properties
  readonly more?: readonly string[]
}

/** A filter alone means QoS 2 and no options. */
export type FilterOptions = string | (Partial<Filter> & Pick<Filter, 'filter'>)

/** One client of the library under test, as a scenario sees it. */
export class Party {
  readonly cable: Cable
  readonly #program: Program
  readonly #name: string
  readonly #messages: Message[] = []
  readonly #closed = Promise.withResolvers<number | undefined>()
  #wake = () => {}
  #connected: Connected | undefined

  constructor(program: Program, name: string, cable: Cable) {
    this.#program = program
    this.#name = name
    this.cable = cable
    program.listen(name, {
      message: (message) => {
        this.#messages.push(message)
        this.#wake()
      },
      closed: (reasonCode) => this.#closed.resolve(reasonCode),
    })
  }

  async connect(options: Connect): Promise<void> {
    this.#connected = await this.#ask('connect', options)
  }

  /** What the last CONNACK said. */
  get connected(): Connected {
    assert.ok(this.#connected, 'the client has not connected yet')
    return this.#connected
  }

  /** The next message. */
  async next(): Promise<Message> {
    for (;;) {
      const message = this.#messages.shift()
      if (message) return message
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async take(count: number): Promise<Message[]> {
    const messages: Message[] = []
    while (messages.length < count) messages.push(await this.next())
    return messages
  }

  /** All messages that come before the one with this payload, which is taken too. */
  async until(payload: string): Promise<Message[]> {
    const messages: Message[] = []
    for (;;) {
      const message = await this.next()
      if (message.payload === payload) return messages
      messages.push(message)
    }
  }

  /** Publishes with QoS 1 unless told otherwise; resolves when the broker has acknowledged all of it. */
  publish(topic: string, payload: string, options: PublishOptions = {}): Promise<{ reasonCode: number }> {
    return this.#ask('publish', { topic, payload, qos: 1, retain: false, properties: {}, more: [], ...options })
  }

  subscribe(filters: readonly FilterOptions[], properties: Properties = {}) {
    return this.#ask('subscribe', { filters: filters.map(completeFilter), properties })
  }

  unsubscribe(...filters: readonly string[]) {
    return this.#ask('unsubscribe', { filters })
  }

  request(topic: string, responseTopic: string, payload: string) {
    return this.#ask('request', { topic, responseTopic, payload })
  }

  /** With reason code 0, unless told otherwise. */
  disconnect(reasonCode = 0, properties: Properties = {}) {
    return this.#ask('disconnect', { reasonCode, properties })
  }

  /** The network fails: the broker sees no DISCONNECT, nor does the client. */
  async cut(): Promise<void> {
    this.cable.cut()
    await this.#ask('lose', {})
  }

  async reconnect(): Promise<void> {
    this.#connected = await this.#ask('reconnect', {})
  }

  /** Waits until the broker has ended the connection; gives the reason code of its DISCONNECT, if there was one. */
  closed(): Promise<number | undefined> {
    return this.#closed.promise
  }

  async drop(): Promise<void> {
    await this.#ask('drop', {}).catch(() => {})
  }

  #ask<Name extends Command>(name: Name, what: Commands[Name][0]): Promise<Commands[Name][1]> {
    return this.#program.ask(this.#name, name, what)
  }
}

export function completeFilter(options: FilterOptions): Filter {
  const { filter, ...more } = typeof options === 'string' ? { filter: options } : options
  return { filter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0, ...more }
}
