import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { IConnectPacket } from 'mqtt-packet'
import { limits } from './limits.ts'
import { startStoreBroker } from './store/test-broker.ts'
import { publication, temporaryDirectory } from './test-support.ts'

/** From CONNACK on, a server sends the same packets as in MQTT 3.1.1. */
const oldConnect = { protocolId: 'MQIsdp', protocolVersion: 3 } as const satisfies Partial<IConnectPacket>

describe('MQTT 3.1', { timeout: 60_000 }, () => {
  test('subscribes, publishes with each QoS, and keeps its session', async (t) => {
    const broker = await startStoreBroker(t, await temporaryDirectory(t))
    const session = { ...oldConnect, clientId: 'old', clean: false }
    const { client, connack } = await broker.login(4, session)
    assert.deepEqual([connack.returnCode, connack.sessionPresent], [0, false])
    assert.deepEqual(await client.subscribe([{ topic: 'try/#', qos: 2 }]), [2])
    client.send({ cmd: 'disconnect' })
    await client.ended()

    const { client: publisher } = await broker.login(4, { ...oldConnect, clientId: 'older' })
    publisher.send({ ...publication, qos: 1, messageId: 1 })
    await publisher.next('puback')
    publisher.send({ ...publication, qos: 2, messageId: 2 })
    await publisher.next('pubrec')
    publisher.send({ cmd: 'pubrel', messageId: 2 })
    await publisher.next('pubcomp')

    const { client: again } = await broker.login(4, session)
    assert.equal((await again.next('publish')).qos, 1)
    const { messageId } = await again.next('publish')
    again.send({ cmd: 'pubrec', ...(messageId === undefined ? {} : { messageId }) })
    assert.equal((await again.next('pubrel')).messageId, messageId)
  })

  test('leaves its will', async (t) => {
    const broker = await startStoreBroker(t, await temporaryDirectory(t))
    const { client: listener } = await broker.login(4)
    await listener.subscribe([{ topic: 'try/a', qos: 0 }])
    const will = { topic: 'try/a', payload: Buffer.from('gone'), qos: 1, retain: false } as const
    const { client } = await broker.login(4, { ...oldConnect, clientId: 'old', will })
    client.stream.destroy()
    assert.equal(String((await listener.next('publish')).payload), 'gone')
  })

  test('may have as long a client id as the later ones', async (t) => {
    const broker = await startStoreBroker(t, await temporaryDirectory(t))
    const clientId = 'a'.repeat(limits.clientIdLength)
    const codes = [clientId, `${clientId}a`].map(async (id) => {
      const client = broker.open(4, { ...oldConnect, clientId: id })
      return (await client.next('connack')).returnCode
    })
    assert.deepEqual(await Promise.all(codes), [0, 2])
  })
})
