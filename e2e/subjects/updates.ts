import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MqttClient } from 'mqtt'
import { changedCheckout } from '../checkout.ts'
import { connectAdmin, connectWebSocket, nextMessage } from '../doors.ts'
import { killUpWhen, releaseIsOnTheWay } from '../interruption.ts'
import { previewChanges } from '../preview.ts'
import { onServer, run, tryToRun, up } from '../sandbox.ts'

const minute = 60_000

export function updates() {
  describe('up again', { timeout: 8 * minute }, () => {
    test('changes nothing, and nothing on the server is started again', async () => {
      const before = await serverState()
      await up()
      await run(['pulumi', 'preview', '--expect-no-changes'])
      assert.deepEqual(await serverState(), before)
    })
  })

  describe('a changed bundle', { timeout: 8 * minute }, () => {
    test('touches the release alone, refuses no connection, and every client comes back', async () => {
      await using changed = await changedCheckout(`console.error('a changed bundle')`)
      const steps = await previewChanges({ checkout: changed.path })
      assert.deepEqual(steps.map(({ urn }) => urn.split('::').at(-1)).sort(), ['apply', 'release'])

      const before = await serverState()
      const clients = await Promise.all([
        connectAdmin({ reconnectPeriod: 100 }),
        connectWebSocket({ reconnectPeriod: 100 }),
      ])
      const refusals = clients.flatMap(watchRefusals)
      const reconnected = Promise.all(clients.map(nextConnect))
      try {
        await run([], { checkout: changed.path })
        await reconnected
        assert.deepEqual(refusals, [])
        await assertTalk(clients)
      } finally {
        await Promise.all(clients.map((client) => client.endAsync(true)))
      }
      const after = await serverState()
      assert.notEqual(after.broker, before.broker)
      assert.notEqual(after.release, before.release)
      assert.deepEqual({ ...after, broker: '', release: '' }, { ...before, broker: '', release: '' })
    })
  })

  describe('an up that was killed', { timeout: 8 * minute }, () => {
    test('is made good by the next one', async () => {
      await using changed = await changedCheckout(`console.error('another changed bundle')`)
      const before = await serverState()
      await killUpWhen(releaseIsOnTheWay, changed.path)
      await run([], { checkout: changed.path })
      await run(['pulumi', 'preview', '--expect-no-changes'], { checkout: changed.path })
      const after = await serverState()
      assert.notEqual(after.release, before.release)
      assert.deepEqual({ ...after, broker: '', release: '' }, { ...before, broker: '', release: '' })
    })
  })

  describe('a bundle that', { timeout: 8 * minute }, () => {
    for (const { fault, statement, reason } of brokenBundles) {
      test(`${fault} fails with its reason while the one before serves on`, async () => {
        const before = await serverState()
        {
          await using broken = await changedCheckout(statement)
          const failed = await tryToRun([], { checkout: broken.path })
          assert.notEqual(failed.exitCode, 0)
          assert.match(failed.output, reason)
        }
        const after = await serverState()
        assert.deepEqual({ ...after, broker: '' }, { ...before, broker: '' })
        const clients = await Promise.all([connectAdmin(), connectWebSocket()])
        try {
          await assertTalk(clients)
        } finally {
          await Promise.all(clients.map((client) => client.endAsync(true)))
        }
      })
    }

    test('was broken does not stand in the way of the next up', async () => {
      const { release } = await serverState()
      await up()
      await run(['pulumi', 'preview', '--expect-no-changes'])
      assert.notEqual((await serverState()).release, release)
    })
  })
}

/** What can be wrong with a broker, by the first statement of its program, and what `up` must say about it. */
const brokenBundles = [
  {
    fault: 'does not load',
    statement: `throw new Error('broken on purpose')`,
    reason: /broken on purpose/,
  },
  {
    fault: 'does not start',
    statement: `if (!process.argv.includes('--check-config')) throw new Error('broken at its start')`,
    reason: /broken at its start/,
  },
  {
    fault: 'starts but answers nobody',
    statement: `
      const { Server } = process.getBuiltinModule('node:net')
      const { emit } = Server.prototype
      Server.prototype.emit = function (name, ...values) {
        return name === 'connection' || emit.call(this, name, ...values)
      }`,
    reason: /8883 \(MQTT over mutual TLS\)/,
  },
]

/** What an update may or may not touch: processes by number and start, files by inode and time. */
async function serverState() {
  const started = (unit: string) =>
    `systemctl show --property=MainPID,ExecMainStartTimestampMonotonic --value ${unit} | xargs`
  const output = await onServer(`
    ${started('skerry-broker.service')}
    readlink /opt/skerry/current
    ${started('nginx.service')}
    ${started('ssh.service')}
    stat --format='%n %i %Y' $(readlink --canonicalize /opt/skerry/runtime)/bin/node
    cat /proc/sys/kernel/random/boot_id /etc/machine-id | xargs`)
  const [broker, release, nginx, sshd, runtime, machine] = output.split('\n')
  return { broker, release, nginx, sshd, runtime, machine }
}

/** Collects what a client meets while it comes back, but for the connection's end itself. */
function watchRefusals(client: MqttClient): string[] {
  const refusals: string[] = []
  client.on('error', (error) => {
    if (!/ECONNRESET|EPIPE/.test(error.message)) refusals.push(error.message)
  })
  return refusals
}

function nextConnect(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once('connect', () => resolve()))
}

async function assertTalk([admin, browser]: readonly [MqttClient, MqttClient]): Promise<void> {
  await Promise.all([admin.subscribeAsync('try/#', { qos: 1 }), browser.subscribeAsync('try/#', { qos: 1 })])
  for (const client of [admin, browser]) {
    const heard = Promise.all([nextMessage(admin), nextMessage(browser)])
    await client.publishAsync('try/talk', 'hello', { qos: 1 })
    const message = { topic: 'try/talk', payload: 'hello' }
    assert.deepEqual(await heard, [message, message])
  }
}
