import assert from 'node:assert/strict'
import { lasting, payloads, publish, receiveAll, subscribe } from '../exchanges.ts'
import { statement } from '../suite.ts'
import { idsOf, take } from '../unacknowledged.ts'

const both = (id: string) => ({ 4: id, 5: id })

statement(
  both('MQTT-4.4.0-1'),
  'sends again what is pending, in order, on a reconnect that keeps the session',
  async (scene) => {
    const { topic, version, clientId, login } = scene
    const [publisher, who] = [await login(), lasting(version, clientId())]
    const first = await login(who)
    await subscribe(first, topic, 2)
    const messages = Array.from(
      { length: 12 },
      (_, index) => ({ topic, qos: index % 2 === 0 ? 1 : 2, payload: `${index}` }) as const,
    )
    await publish(publisher, ...messages)
    const ids = idsOf(await take(first, 12))
    for (const index of [1, 5]) first.send({ cmd: 'pubrec', messageId: ids[index] ?? 0 })
    for (const index of [1, 5]) assert.equal((await first.expect('pubrel')).packet.messageId, ids[index])
    // Not by itself, as long as the connection stands.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await first.quiet()
    first.cut()
    await publish(publisher, { topic, qos: 1, payload: 'later' })
    const second = await login(who)
    const came: string[] = []
    for (let index = 0; index < 13; index++) {
      const { packet } = await second.next()
      if (packet.cmd === 'publish') came.push(`${packet.payload} ${packet.dup}`)
      else came.push(`${packet.cmd} ${ids.indexOf(packet.messageId ?? 0)}`)
    }
    const expected = messages.map(({ payload }, index) =>
      index === 1 || index === 5 ? `pubrel ${index}` : `${payload} true`,
    )
    const sorted = (lines: readonly string[], isRelease: boolean) =>
      lines.filter((line) => line.startsWith('pubrel') === isRelease)
    for (const isRelease of [false, true]) {
      assert.deepEqual(sorted(came, isRelease), sorted([...expected, 'later false'], isRelease))
    }
  },
)

statement(
  both('MQTT-4.4.0-1'),
  'sends nothing again on a reconnect that begins anew',
  async ({ topic, version, clientId, login }) => {
    const [publisher, who] = [await login(), lasting(version, clientId())]
    const first = await login(who)
    await subscribe(first, topic, 2)
    await publish(publisher, { topic, qos: 1 }, { topic, qos: 2 }, { topic, qos: 2 })
    const ids = idsOf(await take(first, 3))
    first.send({ cmd: 'pubrec', messageId: ids[1] ?? 0 })
    await first.expect('pubrel')
    first.cut()
    const second = await login({ ...who, clean: true })
    await subscribe(second, topic, 2)
    assert.deepEqual(payloads(await receiveAll(second, publisher, topic)), [])
  },
)

statement({ 5: 'MQTT-4.4.0-2' }, 'takes PUBACK and PUBREC with an error as the end of the message', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const reasonCode of [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
    const who = lasting(version, clientId(`${reasonCode}`))
    const first = await login(who)
    await subscribe(first, topic, 2)
    await publish(publisher, { topic, qos: 1 }, { topic, qos: 2 })
    const [one = 0, two = 0] = idsOf(await take(first, 2))
    first.send({ cmd: 'puback', messageId: one, reasonCode }, { cmd: 'pubrec', messageId: two, reasonCode })
    // No PUBREL.
    await first.quiet()
    first.cut()
    await (await login(who)).quiet()
  }
})
