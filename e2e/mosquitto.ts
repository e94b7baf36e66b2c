import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'

export const versions = ['mqttv311', 'mqttv5'] as const

/** How a client goes in. */
export interface Door {
  readonly host: string
  readonly port: number
  readonly version: (typeof versions)[number]
  /** Options of `mosquitto_pub` and `mosquitto_sub` that both take: certificates, mostly. */
  readonly options: readonly string[]
  /** From `passwordDirectory`. */
  readonly configuration?: string
}

export interface Outcome {
  /** `undefined`: it had not ended after its deadline. */
  readonly exitCode: number | undefined
  readonly output: string
}

export interface Message {
  readonly topic: string
  readonly payload: string
}

export interface Subscription extends AsyncDisposable {
  /** The next message; throws when the client ends before one comes. */
  next(): Promise<Message>
}

const deadline = 30_000

/** Writes the configuration that carries a password: as an argument, every process of the host could read it. */
export async function passwordDirectory(directory: string, username: string, password: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const program of ['mosquitto_pub', 'mosquitto_sub']) {
    await writeFile(join(directory, program), `--username ${username}\n--pw ${password}\n`, { mode: 0o600 })
  }
  return directory
}

/** Publishes one message with QoS 1. */
export async function publish(door: Door, topic: string, payload: string): Promise<Outcome> {
  const { exitCode, all } = await execa(
    'mosquitto_pub',
    [...doorOptions(door), '--qos', '1', '--topic', topic, '--message', payload],
    { ...environmentOf(door), all: true, reject: false, timeout: deadline },
  )
  return { exitCode, output: all }
}

/**
 * Subscribes with QoS 1; resolves when the broker has granted it.
 * @throws Error with the client's output when it is refused
 */
export async function subscribe(door: Door, topic: string): Promise<Subscription> {
  // Into a pipe, the C library would hold lines back.
  const client = execa(
    'stdbuf',
    ['-oL', '-eL', 'mosquitto_sub', ...doorOptions(door), '--qos', '1', '--topic', topic, '-d', '-F', 'message: %t %p'],
    { ...environmentOf(door), all: true, reject: false },
  )
  const lines = createInterface({ input: client.all })[Symbol.asyncIterator]()
  const seen: string[] = []
  const find = async (pattern: RegExp): Promise<RegExpExecArray> => {
    const timer = setTimeout(() => client.kill('SIGKILL'), deadline)
    try {
      for (;;) {
        const { value: line, done } = await lines.next()
        if (done) throw new Error(`mosquitto_sub ended before ${pattern}:\n${seen.join('\n')}`)
        seen.push(line)
        const match = pattern.exec(line)
        if (match) return match
      }
    } finally {
      clearTimeout(timer)
    }
  }
  const stop = async () => {
    // Nothing gentler: a client that is about to leave by itself may miss it and stay.
    client.kill('SIGKILL')
    await client
  }
  try {
    const [, granted] = await find(/^Subscribed \(mid: \d+\): (\d+)/)
    if (Number(granted) >= 0x80) throw new Error(`The broker refused the subscription: ${seen.join('\n')}`)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    async next() {
      const [, topicName = '', payload = ''] = await find(/^message: (\S+) (.*)$/)
      return { topic: topicName, payload }
    },
    [Symbol.asyncDispose]: stop,
  }
}

function doorOptions(door: Door): string[] {
  return ['--host', door.host, '--port', String(door.port), '--protocol-version', door.version, ...door.options]
}

function environmentOf(door: Door) {
  return { env: { XDG_CONFIG_HOME: door.configuration ?? '/nonexistent' } }
}
