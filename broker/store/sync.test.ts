import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { connectPacket, password, publication, RawClient, temporaryDirectory } from '../test-support.ts'
import { prepareProgram } from './test-program.ts'

const hasStrace = spawnSync('strace', ['-V']).status === 0

test('what is acknowledged was synced before, as the system calls show', {
  timeout: 60_000,
  skip: hasStrace ? false : 'strace is not installed',
}, async (t) => {
  const directory = await temporaryDirectory(t)
  const env = await prepareProgram(directory)
  const trace = join(directory, 'trace')
  const child = spawn(process.execPath, ['broker.mjs'], {
    cwd: directory,
    env: { ...env, SKERRY_LISTEN_MQTT: '127.0.0.1:0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => void child.kill('SIGKILL'))
  let port = 0
  for await (const line of createInterface(child.stdout)) {
    const { msg, listeners } = JSON.parse(line)
    if (msg !== 'ready') continue
    port = listeners[0].port
    break
  }
  child.stdout.resume()
  const calls = '--trace=pwrite64,fsync,fdatasync,write,writev'
  const tracer = spawn('strace', ['-f', '-s', '9999', calls, '-o', trace, '-p', `${child.pid}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => void tracer.kill('SIGKILL'))
  const traced = once(tracer, 'exit')
  // It says so when it has taken hold of the process.
  await once(tracer.stderr, 'data')
  const login = async (clientId: string) => {
    const client = new RawClient(connect(port, '127.0.0.1'), 4)
    const credentials = { username: 'try', password: Buffer.from(password) }
    client.send(connectPacket(4, { clientId, clean: false, ...credentials }))
    await client.next('connack')
    return client
  }
  const away = await login('away')
  away.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'try/#', qos: 1 }] })
  await away.next('suback')
  away.stream.end()
  await away.ended()
  const client = await login('publisher')
  for (const messageId of [0x4141, 0x4242, 0x4343]) {
    const payload = `message ${messageId}`
    client.send({ ...publication, qos: 1, messageId, payload })
    await client.next('puback')
  }
  child.kill('SIGTERM')
  await traced

  const lines = (await readFile(trace, 'utf8')).split('\n')
  for (const [messageId, letters] of [
    [0x4141, 'AA'],
    [0x4242, 'BB'],
    [0x4343, 'CC'],
  ] as const) {
    const written = lines.findIndex((line) => line.includes('pwrite64') && line.includes(`message ${messageId}`))
    const synced = lines.findIndex((line, index) => index > written && /f(data)?sync.*= 0$/.test(line))
    const acknowledged = lines.findIndex((line) => new RegExp(`writev?\\(.*"@.*${letters}"`).test(line))
    assert.ok(written !== -1 && synced !== -1 && acknowledged !== -1, `${written} ${synced} ${acknowledged}`)
    assert.ok(written < synced && synced < acknowledged, `${letters}: ${written} ${synced} ${acknowledged}`)
  }
})
