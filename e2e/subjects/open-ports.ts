import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { execa } from 'execa'
import { ports } from '../../infra/ports.ts'
import { addOutsider, removeOutsider } from '../../sandbox/machine/network.ts'
import { resolvedAddresses } from '../cloud.ts'
import { families } from '../families.ts'
import { type Answer, scan } from '../ports.ts'
import { instance, onServer, sandbox } from '../sandbox.ts'

const minute = 60_000

export function openPorts() {
  describe('the network', { timeout: 3 * minute }, () => {
    for (const family of families) {
      test(`of all 65535 ports over IPv${family}, those of the list answer and nothing else makes a sound`, async () => {
        const everything = Array.from({ length: 65_535 }, (_, index) => index + 1)
        const answers = await scan((await resolvedAddresses())[family], everything)
        const expected = ports.map(({ number }) => [number, 'open'] as const)
        assert.deepEqual([...answers].sort(byPort), [...expected].sort(byPort))
      })
    }

    test('SSH is for its networks alone: a stranger meets silence there, and is served elsewhere', async () => {
      const [zero = ''] = instance.network.split('/')
      const address = zero.replace(/\d+$/, '200')
      const namespace = await addOutsider(instance, address)
      try {
        const answers = await Promise.all(ports.map(({ number }) => knockFrom(namespace, sandbox().address, number)))
        const expected = ports.map(({ audience }) => (audience === 'everyone' ? 'open' : 'silent'))
        assert.deepEqual(answers, expected)
      } finally {
        await removeOutsider(instance, address)
      }
    })

    test('7443 listens inside, for nginx alone', async () => {
      const listeners = await onServer(`ss --no-header --listening --tcp --numeric 'sport = :7443'`)
      assert.match(listeners, /127\.0\.0\.1:7443/)
      assert.doesNotMatch(listeners, /(\*|0\.0\.0\.0|\[::\]):7443/)
      // Neither nobody nor another certificate of the same authority: only nginx's own opens it.
      assert.doesNotMatch(await askBroker(), /HTTP\/1/)
      assert.doesNotMatch(await askBroker('health/health'), /HTTP\/1/)
      assert.match(await askBroker('nginx/proxy'), /HTTP\/1/)
    })
  })
}

/** Sends an HTTP request to 7443 on the server; @returns what comes back until the broker closes */
async function askBroker(identity?: string): Promise<string> {
  const file = `/etc/skerry/${identity}`
  const shown = identity ? `-cert ${file}.crt -key ${file}.key` : ''
  const answer = await onServer(`
    printf 'GET /mqtt/ HTTP/1.1\\r\\nHost: ${sandbox().hostname}\\r\\n\\r\\n' |
      timeout 20 openssl s_client -connect 127.0.0.1:7443 ${shown} -quiet 2>&1; echo "ended with $?"`)
  assert.match(answer, /ended with (?!124)/, 'the connection stayed open')
  return answer
}

async function knockFrom(namespace: string, host: string, port: number): Promise<Answer> {
  const connect = ['timeout', '3', 'bash', '-c', `exec 3<>/dev/tcp/${host}/${port}`]
  const { exitCode } = await execa('ip', ['netns', 'exec', namespace, ...connect], { reject: false })
  // timeout(1) ends with 124 when it had to end the command.
  return exitCode === 0 ? 'open' : exitCode === 124 ? 'silent' : 'refused'
}

function byPort(one: readonly [number, unknown], other: readonly [number, unknown]): number {
  return one[0] - other[0]
}
