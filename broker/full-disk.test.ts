import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { publication, RawClient, startTestBroker } from './test-support.ts'

const timeout = 60_000
const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const skip = isRoot ? false : 'only root can make a small disk'

/** A small file system of its own, which is gone when the brokers on it have ended. */
async function smallDisk(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', directory])
  t.after(async () => {
    // Files that are still open keep it until they are closed.
    execFileSync('umount', ['--lazy', directory])
    await rm(directory, { recursive: true })
  })
  return directory
}

/** Uses up what room there is. */
async function fill(directory: string): Promise<string> {
  const ballast = join(directory, 'ballast')
  await assert.rejects(writeFile(ballast, new Uint8Array(8 * 1024 * 1024)), { code: 'ENOSPC' })
  return ballast
}

for (const version of [4, 5] as const) {
  const gateway = { clientId: 'gateway', clean: false, properties: { sessionExpiryInterval: 600 } }

  describe(`MQTT ${version === 4 ? '3.1.1' : '5'}: on a full disk`, { timeout, skip }, () => {
    test('QoS 1 and 2 are refused, QoS 0 goes on, and all is well when there is room again', async (t) => {
      const directory = await smallDisk(t)
      const broker = await startTestBroker(t, {}, directory)
      const away = await RawClient.login(t, broker, version, gateway)
      away.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 2 }] })
      await away.next('suback')
      away.stream.end()
      await away.ended()
      const listener = await RawClient.login(t, broker, version)
      listener.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 0 }] })
      await listener.next('suback')
      const publisher = () => RawClient.login(t, broker, version)
      const first = await publisher()
      first.send({ ...publication, qos: 1, messageId: 1, payload: 'before' })
      await first.next('puback')
      assert.equal(String((await listener.next('publish')).payload), 'before')

      const ballast = await fill(directory)
      const big = Buffer.alloc(100_000, 'x')
      // What it has room for in its file it may still take.
      let taken = 0
      for (const [qos, answer] of [
        [1, 'puback'],
        [2, 'pubrec'],
      ] as const) {
        for (let isRefused = false; !isRefused; taken += isRefused ? 0 : 1) {
          assert.ok(taken < 100)
          const client = await publisher()
          client.send({ ...publication, topic: 'try/big', qos, messageId: 1, payload: big })
          const packet = await client.any()
          if (version === 5) isRefused = packet?.cmd === answer && packet.reasonCode === 0x97
          else isRefused = packet === undefined
        }
      }
      await broker.logged('the store fails: what needs it is refused')
      const speaker = await publisher()
      speaker.send({ ...publication, payload: 'live' })
      while (String((await listener.next('publish')).payload) !== 'live');

      await rm(ballast)
      const last = await publisher()
      last.send({ ...publication, qos: 1, messageId: 1, payload: 'after' })
      await last.next('puback')
      await broker.logged('the store works again')
      const back = await RawClient.login(t, broker, version, gateway)
      const received: string[] = []
      while (received.at(-1) !== 'after') {
        const { topic, payload, messageId, qos } = await back.next('publish')
        received.push(topic === 'try/big' ? 'big' : String(payload))
        back.send({ cmd: qos === 2 ? 'pubrec' : 'puback', messageId: messageId ?? 0 })
      }
      assert.deepEqual(received, ['before', ...Array(taken).fill('big'), 'after'])
      const alarms = broker.lines.filter(({ level }) => level === 50).map(({ msg }) => msg)
      assert.deepEqual(alarms, ['the store fails: what needs it is refused', 'the store works again'])
    })

    test('a broker begins with what it has, and takes more when there is room', async (t) => {
      const directory = await smallDisk(t)
      const first = await startTestBroker(t, {}, directory)
      const away = await RawClient.login(t, first, version, gateway)
      away.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 1 }] })
      await away.next('suback')
      const sender = await RawClient.login(t, first, version)
      sender.send({ ...publication, qos: 1, messageId: 1, payload: 'kept' })
      await sender.next('puback')
      await first.stop()
      const ballast = await fill(directory)

      const second = await startTestBroker(t, {}, directory)
      const live = await RawClient.login(t, second, version)
      live.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 0 }] })
      await live.next('suback')
      live.send({ ...publication, payload: 'live' })
      assert.equal(String((await live.next('publish')).payload), 'live')
      await rm(ballast)
      await second.stop()
      const third = await startTestBroker(t, {}, directory)
      const back = await RawClient.login(t, third, version, gateway)
      assert.equal(String((await back.next('publish')).payload), 'kept')
    })
  })
}
