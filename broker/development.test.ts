import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import mqtt from 'mqtt'

const program = fileURLToPath(new URL('development.ts', import.meta.url))
const free = { SKERRY_LISTEN_MQTT: '127.0.0.1:0', SKERRY_LISTEN_MQTTS: '127.0.0.1:0', SKERRY_LISTEN_WS: '127.0.0.1:0' }

function start(t: TestContext, cwd: string, listening: object): ChildProcess {
  const child = spawn(process.execPath, [program], { cwd, env: { PATH: process.env.PATH, ...listening } })
  t.after(() => void child.kill('SIGKILL'))
  return child
}

async function instructions(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout)
  let printed = ''
  for await (const line of createInterface(child.stdout)) {
    printed += `${line}\n`
    if (line.startsWith('Stop:')) break
  }
  return printed
}

test('npm run broker: what it prints works, and a second one leaves the first alone', {
  timeout: 60_000,
}, async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'skerry-development-'))
  t.after(() => rm(cwd, { recursive: true }))
  const child = start(t, cwd, free)
  const printed = await instructions(child)
  const find = (pattern: RegExp) => pattern.exec(printed)?.[1] ?? assert.fail(`no ${pattern} in ${printed}`)
  const directory = find(/cd (.+)/)
  const [tls, plain, url] = [find(/mosquitto_sub .*-p (\d+)/), find(/mosquitto_pub .*-p (\d+)/), find(/(ws:\S+),/)]
  const password = find(/-u try -P (\S+)/)
  for (const name of await readdir(directory))
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name)

  const file = (name: string) => readFile(join(directory, name))
  const [ca, cert, key] = [await file('authorities.pem'), await file('admin.crt'), await file('admin.key')]
  const admin = await mqtt.connectAsync(`mqtts://localhost:${tls}`, { ca, cert, key, reconnectPeriod: 0 })
  t.after(() => admin.endAsync(true))
  await admin.subscribeAsync('#')
  for (const address of [`mqtt://localhost:${plain}`, url]) {
    const message = new Promise<string>((resolve) =>
      admin.once('message', (topic, payload) => resolve(`${topic} ${payload}`)),
    )
    const client = await mqtt.connectAsync(address, { username: 'try', password, reconnectPeriod: 0 })
    await client.publishAsync('try/hello', 'world')
    assert.equal(await message, 'try/hello world')
    await client.endAsync()
  }

  const second = start(t, cwd, { ...free, SKERRY_LISTEN_MQTT: `127.0.0.1:${plain}` })
  assert.ok(second.stderr)
  const [errors, [code]] = await Promise.all([text(second.stderr), once(second, 'exit')])
  assert.equal(code, 1)
  assert.match(errors, new RegExp(`SKERRY_LISTEN_MQTT: 127.0.0.1:${plain} is taken .* SKERRY_LISTEN_MQTT=`))
  assert.deepEqual(await file('admin.crt'), cert)

  const exit = once(child, 'exit')
  child.kill('SIGINT')
  assert.deepEqual(await exit, [0, null])
})
