import assert from 'node:assert/strict'
import type { Scenario } from '../scenario.ts'
import type { PartyOptions, Stage } from '../stage.ts'

export const connections: readonly Scenario[] = [
  { name: 'TLS with a client certificate', run: (stage) => sayHello(stage, { transport: 'tls' }) },
  { name: 'TCP with a password', run: (stage) => sayHello(stage, { transport: 'tcp' }) },
  { name: 'WebSocket with a password', needs: ['WebSocket'], run: (stage) => sayHello(stage, { transport: 'ws' }) },
  {
    name: 'a wrong password is refused',
    async run(stage) {
      const { connected } = await stage.connect({ transport: 'tcp', password: 'wrong' })
      assert.equal(connected.reasonCode, stage.version === 5 ? 0x86 : 4)
    },
  },
  {
    name: 'without a client id the broker assigns one',
    async run(stage) {
      const parties = [await stage.connect({ filters: [stage.topic('a')] }), await stage.connect({ filters: [] })]
      if (stage.version === 5) {
        const ids = parties.map(({ connected }) => connected.properties.assignedClientIdentifier)
        stage.check(
          'assigned client identifier',
          ids.every((id) => id !== undefined && id !== '') && ids[0] !== ids[1],
          true,
          `two of them: ${ids.join()}`,
        )
      }
      const publisher = await stage.connect()
      await publisher.publish(stage.topic('a'), 'hello')
      assert.equal((await parties[0]?.next())?.payload, 'hello')
    },
  },
  {
    name: 'without a client id there is no session to keep',
    versions: [4],
    needs: ['a lasting session without a client id'],
    async run(stage) {
      const { connected } = await stage.connect({ clean: false })
      assert.equal(connected.reasonCode, 2)
    },
  },
  {
    name: 'a client that pings stays, one that is silent goes with its will',
    async run(stage) {
      const watcher = await stage.connect({ filters: [stage.topic('#')] })
      const publisher = await stage.connect()
      const pinging = await stage.connect({ filters: [stage.topic('hello')], keepAlive: 5 })
      const silent = await stage.connect({
        filters: [],
        // Half as long again is 9 s, after which the other one has needed its pings.
        keepAlive: 6,
        will: { topic: stage.topic('will'), payload: 'silent' },
      })
      silent.cable.hold('to the broker')
      assert.equal((await watcher.next()).payload, 'silent')
      await publisher.publish(stage.topic('hello'), 'still there?')
      assert.equal((await pinging.next()).payload, 'still there?')
    },
  },
  {
    name: 'the broker sets the keep-alive',
    versions: [5],
    needs: ['properties of CONNACK'],
    async run(stage) {
      const { connected } = await stage.connect({ keepAlive: 65_535 })
      const { serverKeepAlive = 65_535 } = connected.properties
      assert.ok(serverKeepAlive > 0 && serverKeepAlive < 65_535, `the keep-alive stays ${serverKeepAlive} s`)
    },
  },
]

async function sayHello(stage: Stage, options: PartyOptions): Promise<void> {
  const listener = await stage.connect({ ...options, filters: [stage.topic('#')] })
  const publisher = await stage.connect(options)
  assert.deepEqual([listener.connected.reasonCode, publisher.connected.reasonCode], [0, 0])
  await publisher.publish(stage.topic('a'), 'hello', { qos: 2 })
  assert.equal((await listener.next()).payload, 'hello')
}
