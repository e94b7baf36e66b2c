import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Packet } from 'mqtt-packet'
import { publication, type RawClient, temporaryDirectory } from '../test-support.ts'
import { readStore, startStoreBroker, stored } from './test-broker.ts'

const timeout = 60_000
const many = 100
const SESSION_TAKEN_OVER = 0x8e

async function all(client: RawClient): Promise<Packet[]> {
  const packets: Packet[] = []
  for (;;) {
    const packet = await client.any()
    if (!packet) return packets
    packets.push(packet)
  }
}

for (const version of [4, 5] as const) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: of ${many} connections that want one client id at once the last stays`, {
    timeout,
  }, () => {
    for (const [kind, session] of [
      ['a session that lasts', stored(version, 'gateway')],
      ['a clean session', { clientId: 'gateway' }],
    ] as const) {
      test(`with ${kind}`, async (t) => {
        const directory = await temporaryDirectory(t)
        const broker = await startStoreBroker(t, directory, { logLinesPerSecond: 1_000 })
        const isLasting = session.clean === false
        const { client: first } = await broker.login(version, session)
        first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/a', qos: 1 }] })
        await first.next('suback')
        const clients = Array.from({ length: many }, () => broker.open(version, session))
        const last = clients.pop()
        assert.ok(last)

        for (const packets of await Promise.all([first, ...clients].map(all))) {
          // One that never had the session has nothing to lose.
          const told = packets.filter(({ cmd }) => cmd !== 'connack')
          if (version === 4) assert.deepEqual(told, [])
          else
            assert.deepEqual(
              told.map((packet) => 'reasonCode' in packet && packet.reasonCode),
              [SESSION_TAKEN_OVER],
            )
        }
        assert.equal((await last.next('connack')).sessionPresent, isLasting)
        if (!isLasting) {
          last.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/a', qos: 1 }] })
          await last.next('suback')
        }
        const { client: publisher } = await broker.login(version)
        publisher.send({ ...publication, qos: 1, messageId: 1, payload: 'once' })
        await publisher.next('puback')
        const { messageId } = await last.next('publish')
        last.send({ cmd: 'puback', messageId: messageId ?? 0 }, { cmd: 'pingreq' })
        assert.equal((await last.any())?.cmd, 'pingresp')
        last.stream.end()
        await last.ended()
        publisher.stream.end()
        await publisher.ended()

        const count = (event: string) => broker.lines.filter(({ msg }) => msg === event).length
        assert.equal(count('disconnected') + count('refused'), many + 2)
        await broker.crash()
        const { sessions, subscriptions, queues } = await readStore(directory)
        assert.deepEqual([sessions.length, subscriptions.length, queues.length], isLasting ? [1, 1, 0] : [0, 0, 0])
      })
    }
  })
}
