import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { limits } from './limits.ts'
import { startStoreBroker } from './store/test-broker.ts'
import { publication, temporaryDirectory } from './test-support.ts'

for (const version of [4, 5] as const) {
  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: what comes behind CONNECT`, { timeout: 60_000 }, () => {
    test('waits for CONNACK, also if it comes on its own while the login begins', async (t) => {
      const broker = await startStoreBroker(t, await temporaryDirectory(t))
      const client = broker.open(version)
      // CONNECT has been read by then, and nobody has looked at it yet.
      await turn()
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/a', qos: 0 }] })
      await turn()
      client.send({ ...publication, qos: 1, messageId: 2 })
      assert.equal((await client.any())?.cmd, 'connack')
      const kinds = [await client.any(), await client.any(), await client.any()].map((packet) => packet?.cmd)
      assert.deepEqual(kinds.sort(), ['puback', 'publish', 'suback'])
    })

    for (const more of [0, 1]) {
      const outcome = more === 0 ? 'are all taken' : 'end the connection'
      test(`is bounded: ${limits.packetsBeforeLogin} packets and ${more} ${outcome}`, async (t) => {
        const broker = await startStoreBroker(t, await temporaryDirectory(t))
        const packets = Array.from({ length: limits.packetsBeforeLogin + more }, (_, index) => {
          return { ...publication, qos: 1, messageId: index + 1 } as const
        })
        // Until the next turn, it is all one piece.
        const client = broker.open(version)
        client.send(...packets)
        if (more > 0) return assert.deepEqual(await client.ended(), [])
        await client.next('connack')
        for (const { messageId } of packets) assert.equal((await client.next('puback')).messageId, messageId)
      })
    }
  })
}
