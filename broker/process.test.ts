import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import mqtt from 'mqtt'
import { bundleBroker } from './bundle.ts'
import { hashPassword, parsePasswordHash, verifyPassword } from './passwords.ts'
import {
  adminCertificate,
  authority,
  brokerCertificate,
  password,
  proxyCertificate,
  withCertificate,
} from './test-support.ts'

const timeout = 60_000
const bundle = bundleBroker()

/** An empty folder with the bundled broker and the files that it needs, gone after the test. */
async function folder(t: TestContext, changes: Readonly<Record<string, string | undefined>> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-broker-'))
  t.after(() => rm(directory, { recursive: true }))
  await writeFile(join(directory, 'broker.mjs'), await bundle)
  const files = {
    'broker.crt': brokerCertificate.certificate,
    'broker.key': brokerCertificate.privateKey,
    'authorities.pem': authority.authorities,
    'proxy.crt': proxyCertificate.certificate,
    'passwords.json': JSON.stringify({ try: await hashPassword(Buffer.from(password)) }),
    ...changes,
  }
  for (const [name, content] of Object.entries(files)) {
    if (content !== undefined) await writeFile(join(directory, name), content)
  }
  return directory
}

const environment = (directory: string) => ({
  PATH: `${directory}:${dirname(process.execPath)}:${process.env.PATH}`,
  SKERRY_HOSTNAME: 'localhost',
  SKERRY_ADMINISTRATORS: 'admin',
  CREDENTIALS_DIRECTORY: directory,
  STATE_DIRECTORY: directory,
})

/** For a broker that runs as systemd would run it; what it tells systemd is in the file `notified`. */
async function notifiable(directory: string) {
  await writeFile(join(directory, 'systemd-notify'), '#!/bin/sh\necho "$@" >> notified\n')
  await chmod(join(directory, 'systemd-notify'), 0o755)
  return { NOTIFY_SOCKET: '/run/nowhere' }
}

function run(t: TestContext, directory: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, ['broker.mjs', ...args], { cwd: directory, env })
  t.after(() => void child.kill('SIGKILL'))
  return child
}

async function result(child: ChildProcess): Promise<{ code: number | null; output: string; errors: string }> {
  const { stdout, stderr } = child
  assert.ok(stdout && stderr)
  const [output, errors, [code]] = await Promise.all([text(stdout), text(stderr), once(child, 'exit')])
  return { code, output, errors }
}

/** Reads the log until a message comes. */
async function waitFor(child: ChildProcess, message: string): Promise<Record<string, unknown>> {
  assert.ok(child.stdout)
  child.stderr?.pipe(process.stderr)
  for await (const line of createInterface(child.stdout)) {
    const entry = JSON.parse(line)
    if (entry.msg === message) return entry
  }
  throw new Error(`the broker ended before it logged "${message}"`)
}

describe('the bundle, alone in a folder', { timeout }, () => {
  test('is the same when it is made again', async () => {
    assert.deepEqual(await bundleBroker(), await bundle)
  })

  test('serves, and on SIGTERM takes leave of its clients and ends', async (t) => {
    const directory = await folder(t)
    await writeFile(
      join(directory, '.env'),
      'SKERRY_LISTEN_MQTT=127.0.0.1:0\nSKERRY_LISTEN_MQTTS=127.0.0.1:0\nSKERRY_LISTEN_WS=127.0.0.1:0\n',
    )
    const child = run(t, directory, [], { ...environment(directory), ...(await notifiable(directory)) })
    const { listeners } = await waitFor(child, 'ready')
    const ports = Object.fromEntries(
      (listeners as { door: string; port: number }[]).map(({ door, port }) => [door, port]),
    )
    const login = { username: 'try', password, protocolVersion: 5 as const, reconnectPeriod: 0 }
    const clients = await Promise.all([
      mqtt.connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, login),
      mqtt.connectAsync(`ws://127.0.0.1:${ports.ws}/mqtt/`, login),
      mqtt.connectAsync(`mqtts://localhost:${ports.mqtts}`, {
        ...withCertificate(adminCertificate),
        protocolVersion: 5,
        reconnectPeriod: 0,
      }),
    ])
    const farewells = clients.map(
      (client) =>
        new Promise((resolve) => {
          client.on('error', () => {})
          client.on('disconnect', ({ reasonCode }) => resolve(reasonCode))
          client.on('close', () => resolve('closed without a word'))
        }),
    )
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    assert.deepEqual(await Promise.all(farewells), [0x8b, 0x8b, 0x8b])
    assert.deepEqual(await exit, [0, null])
    assert.equal(await readFile(join(directory, 'notified'), 'utf8'), 'READY=1\nSTOPPING=1\n')
  })

  test('ends in time although a client does not let go', async (t) => {
    const directory = await folder(t)
    const child = run(t, directory, [], { ...environment(directory), SKERRY_LISTEN_MQTT: '127.0.0.1:0' })
    const { listeners } = await waitFor(child, 'ready')
    const [listener] = listeners as { port: number }[]
    assert.ok(listener)
    const socket = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    t.after(() => void socket.destroy())
    await once(socket, 'connect')
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    assert.deepEqual(await exit, [0, null])
  })

  test('listens on the sockets that systemd opened for it', async (t) => {
    const directory = await folder(t)
    const servers = [createServer(), createServer(), createServer()]
    for (const server of servers) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => void server.close())
    }
    const names = 'wss:mqtt:mqtts'
    // The shell becomes the broker, so that its process id is known before.
    const child = spawn('sh', ['-c', 'LISTEN_PID=$$ exec "$0" broker.mjs', process.execPath], {
      cwd: directory,
      env: { ...environment(directory), LISTEN_FDS: '3', LISTEN_FDNAMES: names },
      stdio: ['ignore', 'pipe', 'pipe', ...servers.map((server) => Reflect.get(server, '_handle').fd)],
    })
    t.after(() => void child.kill('SIGKILL'))
    const ports = servers.map((server) => (server.address() as { port: number }).port)
    for (const server of servers) server.close()
    const { listeners } = await waitFor(child, 'ready')
    assert.deepEqual(
      (listeners as { door: string; port: number }[]).map(({ door, port }) => [door, port]),
      names.split(':').map((door, index) => [door, ports[index]]),
    )
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${ports[1]}`, { username: 'try', password })
    await client.endAsync()
    const admin = await mqtt.connectAsync(`mqtts://localhost:${ports[2]}`, withCertificate(adminCertificate))
    await admin.endAsync()
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    assert.deepEqual(await exit, [0, null])
  })

  test('does not take sockets that were meant for another process', async (t) => {
    const directory = await folder(t)
    const env = { ...environment(directory), LISTEN_FDS: '1', LISTEN_FDNAMES: 'mqtt', LISTEN_PID: '1' }
    const { code, errors } = await result(run(t, directory, ['--check-config'], env))
    assert.equal(code, 1)
    assert.match(errors, /nothing to listen on/)
  })

  test('says which address is taken and how to choose another', async (t) => {
    const directory = await folder(t)
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => void server.close())
    const { port } = server.address() as { port: number }
    const env = { ...environment(directory), SKERRY_LISTEN_MQTT: `127.0.0.1:${port}` }
    const { code, errors } = await result(run(t, directory, [], env))
    assert.equal(code, 1)
    assert.match(
      errors,
      new RegExp(`^SKERRY_LISTEN_MQTT: 127.0.0.1:${port} is taken .* for example SKERRY_LISTEN_MQTT=.*\\n$`),
    )
  })

  test('checks its configuration', async (t) => {
    const env = { SKERRY_LISTEN_WSS: '127.0.0.1:0', SKERRY_LISTEN_MQTT: '127.0.0.1:0' }
    const good = await folder(t)
    assert.equal((await result(run(t, good, ['--check-config'], { ...environment(good), ...env }))).code, 0)
    const bad = await folder(t, { 'proxy.crt': undefined, 'passwords.json': '{"admin": "hunter2"}', 'broker.key': 'x' })
    const { code, errors } = await result(
      run(t, bad, ['--check-config'], { ...environment(bad), ...env, SKERRY_LISTEN_MQTT: 'everywhere' }),
    )
    assert.equal(code, 1)
    for (const part of [
      /SKERRY_LISTEN_MQTT/,
      /proxy\.crt/,
      /broker\.key/,
      /administrators have no password/,
      /not a hash/,
    ]) {
      assert.match(errors, part)
    }
    assert.doesNotMatch(errors, /hunter2|PRIVATE/)
    assert.deepEqual((await readdir(bad)).includes('proxy.crt'), false)
  })

  test('needs a directory for its state', async (t) => {
    const directory = await folder(t)
    const { STATE_DIRECTORY: _, ...env } = environment(directory)
    const { code, errors } = await result(run(t, directory, [], { ...env, SKERRY_LISTEN_MQTT: '127.0.0.1:0' }))
    assert.equal(code, 1)
    assert.match(errors, /^STATE_DIRECTORY is missing/)
  })

  test('serves what needs no store while that cannot be opened, and ends to be started anew when it can', async (t) => {
    const directory = await folder(t)
    const obstacle = join(directory, 'broker.sqlite')
    await mkdir(obstacle)
    const child = run(t, directory, [], {
      ...environment(directory),
      ...(await notifiable(directory)),
      SKERRY_LISTEN_MQTT: '127.0.0.1:0',
    })
    assert.ok(child.stdout)
    const lines = createInterface(child.stdout)
    const log: { msg: string; level: number; listeners?: { port: number }[] }[] = []
    lines.on('line', (line) => log.push(JSON.parse(line)))
    const exit = once(child, 'exit')
    while (!log.some(({ msg }) => msg === 'ready')) await once(lines, 'line')
    assert.ok(log.some(({ level, msg }) => level === 50 && msg.startsWith('the store cannot be opened')))
    const [listener] = log.find(({ msg }) => msg === 'ready')?.listeners ?? []
    const login = { username: 'try', password, protocolVersion: 5 as const, reconnectPeriod: 0 }
    const url = `mqtt://127.0.0.1:${listener?.port}`
    const client = await mqtt.connectAsync(url, login)
    client.on('error', () => {})
    await client.subscribeAsync('try/#')
    const message = new Promise((resolve) => client.once('message', resolve))
    await client.publishAsync('try/a', 'x')
    await message
    const stored = { ...login, clientId: 'gateway', clean: false, properties: { sessionExpiryInterval: 60 } }
    await assert.rejects(mqtt.connectAsync(url, stored), /Server unavailable/)
    await rm(obstacle, { recursive: true })
    assert.deepEqual(await exit, [1, null])
    assert.equal(log.at(-1)?.msg, 'stopped')
    assert.match(await readFile(join(directory, 'notified'), 'utf8'), /^STATUS=the store cannot be opened/m)
    await client.endAsync(true)
  })

  test('hashes a password from its standard input', async (t) => {
    const directory = await folder(t)
    for (const [input, isGood] of [
      [`${password}\n`, true],
      ['', false],
      ['\n', false],
      ['a'.repeat(1_025), false],
    ] as const) {
      const child = run(t, directory, ['hash-password'], { PATH: process.env.PATH })
      child.stdin?.end(input)
      const { code, output } = await result(child)
      assert.equal(code, isGood ? 0 : 1)
      const hash = parsePasswordHash(output.trimEnd())
      assert.equal(hash !== undefined && (await verifyPassword(Buffer.from(password), hash)), isGood)
    }
  })

  test('refuses what it does not know', async (t) => {
    const directory = await folder(t)
    const { code, errors } = await result(run(t, directory, ['--chekc-config'], environment(directory)))
    assert.equal(code, 1)
    assert.match(errors, /^Usage:/)
  })
})
