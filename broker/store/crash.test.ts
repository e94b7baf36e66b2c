import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { adminCertificate, RawClient as Raw, type Reachable, temporaryDirectory } from '../test-support.ts'
import { Publisher, Receiver } from './crash-clients.ts'
import type { Acknowledge } from './store.ts'
import { prepareProgram } from './test-program.ts'

/** How often the broker is killed, for each version of MQTT. */
const rounds = Number(process.env.SKERRY_CRASH_ROUNDS ?? 10)
// All of it must fit into one session's queue.
const messages = Math.max(10, Math.min(100, Math.floor(4_000 / rounds)))
const topics = ['one', 'two', 'will'] as const

for (const [version, acknowledge] of [
  [4, 'synced'],
  [5, 'synced'],
  [5, 'written'],
] as const) {
  test(`MQTT ${version}, ${acknowledge}: a broker that is killed again and again loses nothing that it acknowledged`, {
    timeout: 60_000 + rounds * 5_000,
  }, async (t) => {
    const broker = await CrashingBroker.prepare(t, acknowledge)
    const publishers = { one: new Publisher('one', 1), two: new Publisher('two', 2) }
    const receivers = { online: new Receiver(), offline: new Receiver(), flapping: new Receiver() }
    const session = (clientId: string) => ({
      clientId,
      clean: false,
      ...(version === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}),
    })
    const login = (clientId: string, more = {}) =>
      Raw.login(t, broker, version, { ...session(clientId), ...more }, adminCertificate)

    await broker.start()
    for (const name of Object.keys(receivers)) {
      const client = await login(name)
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos: 2 })) })
      await client.next('suback')
      client.stream.end()
      await client.ended()
    }

    for (let round = 1; round <= rounds; round++) {
      const running = [receivers.online.run(await login('online'))]
      if (round % 3 === 0) running.push(receivers.flapping.run(await login('flapping')))
      // Its connection ends with the broker.
      await login(`mortal-${round}`, { will: { topic: 'will', payload: Buffer.from(`${round}`), qos: 1 } })
      running.push(publishers.one.run(await login('publisher-1'), messages))
      running.push(publishers.two.run(await login('publisher-2'), messages))
      await setTimeout(randomInt(60))
      await broker.kill()
      await Promise.all(running)
      await broker.start()
    }

    const clients = Object.entries(receivers).map(async ([name, receiver]) => receiver.run(await login(name)))
    await publishers.one.run(await login('publisher-1'), 1)
    await publishers.two.run(await login('publisher-2'), 1)
    await Promise.all(
      Object.values(receivers).flatMap((receiver) => [
        receiver.until('one', `${publishers.one.last}`),
        receiver.until('two', `${publishers.two.last}`),
        receiver.until('will', `${rounds}`),
      ]),
    )
    for (const [name, { received }] of Object.entries(receivers)) {
      const firsts = [...new Set(received.get('one'))]
      assert.deepEqual(firsts, numbers(publishers.one.last), `${name}: QoS 1, complete and in order`)
      assert.deepEqual(received.get('two'), numbers(publishers.two.last), `${name}: QoS 2, complete, in order and once`)
      const wills = [...new Set(received.get('will'))].map(Number).sort((a, b) => a - b)
      assert.deepEqual(wills.map(String), numbers(rounds), `${name}: wills`)
    }
    const late = await login('late')
    late.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '+', qos: 0 }] })
    const retained = [await late.next('publish'), await late.next('publish')].map(({ payload }) => String(payload))
    assert.deepEqual(retained.sort(), [`${publishers.one.last}`, `${publishers.two.last}`].sort(), 'retained')
    t.diagnostic(`${rounds} kills, ${publishers.one.last} messages with QoS 1, ${publishers.two.last} with QoS 2`)
    await broker.kill()
    await Promise.all(clients)
  })
}

/** The bundled program with one state directory over all its lives. */
class CrashingBroker implements Reachable {
  ports: Reachable['ports'] = { mqtt: 0, mqtts: 0, wss: 0, ws: 0 }
  readonly #directory: string
  readonly #environment: NodeJS.ProcessEnv
  #child: ChildProcess | undefined

  private constructor(directory: string, environment: NodeJS.ProcessEnv) {
    this.#directory = directory
    this.#environment = environment
  }

  static async prepare(t: TestContext, acknowledge: Acknowledge): Promise<CrashingBroker> {
    const directory = await temporaryDirectory(t)
    const broker = new CrashingBroker(directory, {
      ...(await prepareProgram(directory)),
      SKERRY_ACKNOWLEDGE: acknowledge,
    })
    t.after(() => broker.kill())
    return broker
  }

  async start(): Promise<void> {
    const directory = this.#directory
    const env = { ...this.#environment, SKERRY_LISTEN_MQTTS: '127.0.0.1:0' }
    const child = spawn(process.execPath, ['broker.mjs'], { cwd: directory, env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    for await (const line of createInterface(child.stdout)) {
      const { msg, level, listeners } = JSON.parse(line)
      assert.ok(level < 50, line)
      if (msg !== 'ready') continue
      this.ports = { ...this.ports, mqtts: listeners[0].port }
      break
    }
    child.stdout.resume()
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
}

function numbers(last: number): string[] {
  return Array.from({ length: last }, (_, index) => `${index + 1}`)
}
