import assert from 'node:assert/strict'
import { lasting, payloads, publish, qualities, receive, receiveAll, subscribe } from '../exchanges.ts'
import { statement } from '../suite.ts'

statement({ 5: 'MQTT-4.8.2-3' }, 'respects the QoS that the chosen member was granted', async ({ topic, login }) => {
  const publisher = await login()
  const members = await Promise.all(qualities.map(() => login()))
  for (const [index, member] of members.entries()) {
    await subscribe(member, [
      { topic: `$share/group/${topic}/+`, qos: qualities[index] ?? 0 },
      { topic: `${topic}end`, qos: 1 },
    ])
  }
  const total = new Map<string, number>()
  for (const qos of qualities) {
    const names = Array.from({ length: 6 }, (_, index) => `${qos}.${index}`)
    await publish(publisher, ...names.map((payload) => ({ topic: `${topic}/a`, qos, payload })))
    for (const [index, member] of members.entries()) {
      for (const { packet } of await receiveAll(member, publisher, `${topic}end`)) {
        if (packet.topic !== `${topic}/a`) continue
        assert.equal(packet.qos, Math.min(qos, qualities[index] ?? 0))
        total.set(String(packet.payload), (total.get(String(packet.payload)) ?? 0) + 1)
      }
    }
    for (const name of names) assert.equal(total.get(name), 1, `${name} goes to one member`)
  }
})

statement({ 5: 'MQTT-4.8.2-4' }, 'completes an interrupted QoS 2 delivery to the same member', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const isReceived of [false, true]) {
    const name = `${topic}/${isReceived}`
    const who = lasting(version, clientId(`${isReceived}`))
    const chosen = await login(who)
    await subscribe(chosen, `$share/group/${name}`, 2)
    await publish(publisher, { topic: name, qos: 2, payload: 'shared' })
    const { messageId = 0 } = (await chosen.expect('publish')).packet
    if (isReceived) {
      chosen.send({ cmd: 'pubrec', messageId })
      await chosen.expect('pubrel')
    }
    const other = await login()
    await subscribe(other, [
      { topic: `$share/group/${name}`, qos: 2 },
      { topic: `${topic}end`, qos: 1 },
    ])
    chosen.cut()
    assert.deepEqual(payloads(await receiveAll(other, publisher, `${topic}end`)), [])
    const back = await login(who)
    const again = (await back.expect(isReceived ? 'pubrel' : 'publish')).packet
    assert.equal(again.messageId, messageId)
    if (!isReceived) {
      back.send({ cmd: 'pubrec', messageId })
      await back.expect('pubrel')
    }
    back.send({ cmd: 'pubcomp', messageId })
    await back.quiet()
    assert.deepEqual(payloads(await receiveAll(other, publisher, `${topic}end`)), [])
  }
})

statement({ 5: 'MQTT-4.8.2-5' }, 'gives nobody else a QoS 2 message whose member has gone for good', async (scene) => {
  const { topic, version, clientId, login } = scene
  const publisher = await login()
  for (const end of ['clean', 'plain'] as const) {
    const name = `${topic}/${end}`
    const who = end === 'clean' ? lasting(version, clientId()) : { clientId: clientId() }
    const chosen = await login(who)
    await subscribe(chosen, `$share/group/${name}`, 2)
    await publish(publisher, { topic: name, qos: 2, payload: 'shared' })
    await chosen.expect('publish')
    const other = await login()
    await subscribe(other, [
      { topic: `$share/group/${name}`, qos: 2 },
      { topic: `${topic}end`, qos: 1 },
    ])
    chosen.cut()
    // Ends the session, if it has not ended by itself.
    const fresh = await login({ ...who, clean: true })
    assert.deepEqual(payloads(await receiveAll(other, publisher, `${topic}end`)), [])
    await fresh.quiet()
    await publish(publisher, { topic: name, qos: 2, payload: 'next' })
    assert.equal(String((await receive(other)).packet.payload), 'next')
  }
})

statement({ 5: 'MQTT-4.8.2-6' }, 'offers nobody else what a member has refused', async ({ topic, login }) => {
  const publisher = await login()
  for (const qos of [1, 2] as const) {
    const name = `${topic}/${qos}`
    const [chosen, other] = [await login(), await login()]
    await subscribe(chosen, `$share/group/${name}`, 2)
    await publish(publisher, { topic: name, qos, payload: 'refused' })
    const { messageId = 0 } = (await chosen.expect('publish')).packet
    await subscribe(other, [
      { topic: `$share/group/${name}`, qos: 2 },
      { topic: `${topic}end`, qos: 1 },
    ])
    chosen.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId, reasonCode: 0x83 })
    await chosen.quiet()
    assert.deepEqual(payloads(await receiveAll(other, publisher, `${topic}end`)), [])
    chosen.cut()
    assert.deepEqual(payloads(await receiveAll(other, publisher, `${topic}end`)), [])
  }
})
