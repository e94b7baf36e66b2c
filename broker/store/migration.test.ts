import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { publication, temporaryDirectory } from '../test-support.ts'
import { startStoreBroker, stored } from './test-broker.ts'

test('what a broker with the first schema has left is all there, and goes on', { timeout: 20_000 }, async (t) => {
  const directory = await temporaryDirectory(t)
  const database = new DatabaseSync(join(directory, 'broker.sqlite'))
  database.exec(await readFile(new URL('schema-1.sql', import.meta.url), 'utf8'))
  database.close()

  const broker = await startStoreBroker(t, directory)
  const { client: away, connack } = await broker.login(5, stored(5, 'away'))
  assert.equal(connack.sessionPresent, true)
  const [one, two, will] = [await away.next('publish'), await away.next('publish'), await away.next('publish')]
  assert.deepEqual([one.topic, String(one.payload), one.qos, one.retain], ['try/a', 'one', 1, false])
  assert.deepEqual(Object.entries(one.properties?.userProperties ?? {}), [['a', 'b']])
  assert.deepEqual(one.properties?.correlationData, Buffer.from([0, 255]))
  assert.equal(one.properties?.subscriptionIdentifier, 7)
  assert.deepEqual([two.topic, two.payload, two.qos, two.retain], ['try/b', Buffer.from([1, 0, 2]), 2, true])
  assert.deepEqual([will.topic, String(will.payload)], ['try/will', 'gone'])

  const { client: old } = await broker.login(4, stored(4, 'old'))
  assert.equal(String((await old.next('publish')).payload), 'one')

  const { client: sender } = await broker.login(5, stored(5, 'sender'))
  // It was received before.
  sender.send({ ...publication, qos: 2, messageId: 2, topic: 'try/b', payload: 'again', dup: true })
  await sender.next('pubrec')
  sender.send({ cmd: 'pubrel', messageId: 2 }, { ...publication, qos: 1, messageId: 3, payload: 'new' })
  await sender.next('pubcomp')
  assert.equal(String((await away.next('publish')).payload), 'new')

  const { client: late } = await broker.login(4, { clientId: 'late' })
  late.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/+', qos: 0 }] })
  const retained = await late.next('publish')
  assert.deepEqual([retained.topic, retained.payload, retained.retain], ['try/b', Buffer.from([1, 0, 2]), true])
})
