import { createInterface } from 'node:readline'
import { execa } from 'execa'
import type { Connected, Message, Properties } from '../protocol.ts'

/** What mosquitto_sub prints of each message: user properties in their order, then everything as JSON. */
export const messageFormat = 'message %P|%j'

interface Hearing {
  message(message: Message): void
  /** The program ended by itself. */
  closed(reasonCode: number | undefined): void
}

/** One of Mosquitto's clients while it holds a connection; its debug output tells of the packets. */
export class MosquittoProcess {
  readonly #process
  readonly #hearing: Hearing
  readonly #connack = Promise.withResolvers<{ reasonCode: number; clientId: string }>()
  readonly #suback = Promise.withResolvers<number[]>()
  readonly #duplicates = new Map<number, boolean>()
  readonly #said: string[] = []
  readonly ended: Promise<void>
  #reasonCode: number | undefined
  #isAsked = false

  constructor(command: string, args: readonly string[], configuration: string, hearing: Hearing) {
    this.#hearing = hearing
    // Into a pipe, the C library would hold lines back.
    this.#process = execa('stdbuf', ['-oL', command, '-d', ...args], {
      env: { XDG_CONFIG_HOME: configuration },
      reject: false,
      all: true,
      buffer: false,
      stdin: 'pipe',
    })
    this.#connack.promise.catch(() => {})
    this.#suback.promise.catch(() => {})
    const lines = createInterface({ input: this.#process.all })
    lines.on('line', (line) => this.#take(line))
    this.ended = this.#end(new Promise<void>((resolve) => lines.once('close', resolve)))
  }

  /** Resolves when it is connected, and has subscribed if it does. */
  async connected(isSubscribing: boolean): Promise<Connected> {
    const { reasonCode, clientId } = await this.#connack.promise
    const reasonCodes = isSubscribing && reasonCode === 0 ? await this.#suback.promise : []
    return { reasonCode, sessionPresent: false, properties: { assignedClientIdentifier: clientId }, reasonCodes }
  }

  /** Asks it to take leave: mosquitto_sub by a signal, mosquitto_pub by the end of its input. */
  async leave(command: string): Promise<void> {
    this.#isAsked = true
    if (command === 'mosquitto_sub') this.#process.kill('SIGTERM')
    else this.#process.stdin.end()
    await this.ended
  }

  async kill(): Promise<void> {
    this.#isAsked = true
    this.#process.kill('SIGKILL')
    await this.ended
  }

  #take(line: string): void {
    const [, userProperties, json] = /^message ([^|]*)\|(.*)$/.exec(line) ?? []
    if (json !== undefined) {
      this.#hearing.message(this.#read(JSON.parse(json), userProperties ?? ''))
      return
    }
    this.#said.push(line)
    const connack = /^Client (\S+) received CONNACK \((\d+)\)/.exec(line)
    if (connack) this.#connack.resolve({ clientId: connack[1] ?? '', reasonCode: Number(connack[2]) })
    const suback = /^Subscribed \(mid: \d+\): (.*)$/.exec(line)
    if (suback) this.#suback.resolve((suback[1] ?? '').split(', ').map(Number))
    const publish = /received PUBLISH \(d(\d), q\d, r\d, m(\d+),/.exec(line)
    if (publish) this.#duplicates.set(Number(publish[2]), publish[1] === '1')
    const disconnect = /Received DISCONNECT \((\d+)\)/.exec(line)
    if (disconnect) this.#reasonCode = Number(disconnect[1])
  }

  #read(printed: Printed, userProperties: string): Message {
    const { topic, payload, qos, retain, mid, properties = {} } = printed
    const pairs = userProperties.split(' ').flatMap((pair) => {
      const [name, value] = pair.split(':')
      return name && value !== undefined ? [[name, value] as const] : []
    })
    return {
      topic,
      payload: payload ?? '',
      qos,
      retain: retain === 1,
      dup: mid !== undefined && this.#duplicates.get(mid) === true,
      properties: { ...fromPrinted(properties), ...(pairs.length > 0 ? { userProperties: pairs } : {}) },
    }
  }

  async #end(output: Promise<void>): Promise<void> {
    await this.#process
    await output
    const fault = new Error(`it ended: ${this.#said.slice(-3).join(' / ')}`)
    this.#connack.reject(fault)
    this.#suback.reject(fault)
    if (!this.#isAsked) this.#hearing.closed(this.#reasonCode)
  }
}

interface Printed {
  readonly topic: string
  readonly payload?: string
  readonly qos: 0 | 1 | 2
  readonly retain: number
  readonly mid?: number
  readonly properties?: Readonly<Record<string, unknown>>
}

const printedNames: Readonly<Record<string, keyof Properties>> = {
  'payload-format-indicator': 'payloadFormatIndicator',
  'message-expiry-interval': 'messageExpiryInterval',
  'content-type': 'contentType',
  'response-topic': 'responseTopic',
  'correlation-data': 'correlationData',
}

function fromPrinted(printed: Readonly<Record<string, unknown>>): Properties {
  const known = Object.entries(printed).flatMap(([name, value]) => {
    const own = printedNames[name]
    return own ? [[own, value] as const] : []
  })
  const identifier = printed['subscription-identifier']
  const identifiers = typeof identifier === 'number' ? { subscriptionIdentifiers: [identifier] } : {}
  return { ...Object.fromEntries(known), ...identifiers }
}
