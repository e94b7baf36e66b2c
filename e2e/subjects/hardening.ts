import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { execa } from 'execa'
import { connectAdmin, nextMessage } from '../doors.ts'
import { knock } from '../ports.ts'
import { onServer, run, sandbox, tryToRun } from '../sandbox.ts'

const metadata = '169.254.169.254'

const minute = 60_000

export function hardening() {
  describe('the server', { timeout: 4 * minute }, () => {
    test('shuts the broker in: exposure of the running unit is 1.5 or less', async () => {
      const report = await onServer('systemd-analyze security --no-pager skerry-broker.service')
      const [, exposure] = /Overall exposure level for skerry-broker\.service: ([\d.]+)/.exec(report) ?? []
      assert.ok(Number(exposure) <= 1.5, `exposure is ${exposure}`)
      const owner = await onServer(
        'ps --no-headers -o user= -p "$(systemctl show --property=MainPID --value skerry-broker.service)"',
      )
      assert.equal(owner, 'skerry')
    })

    test('lets nobody in over SSH as root or by password', async () => {
      const settings = await onServer('sshd -T')
      for (const line of ['permitrootlogin no', 'passwordauthentication no', 'kbdinteractiveauthentication no']) {
        assert.ok(settings.split('\n').includes(line), `"${line}" is not in force`)
      }
      assert.deepEqual(
        settings.split('\n').filter((line) => line.startsWith('hostkey ')),
        ['hostkey /etc/ssh/ssh_host_ed25519_key'],
      )
      const [program = '', ...parameters] = sandbox().sshCommand
      const asRoot = [...parameters.map((part) => part.replace(/^deploy(?=@|$)/, 'root')), 'true']
      assert.notDeepEqual(asRoot, [...parameters, 'true'])
      const attempt = await execa(program, asRoot, { stdin: 'ignore', all: true, reject: false })
      assert.match(attempt.all, /Permission denied/)
    })

    test('lets deploy run the launcher as root, and nothing else', async () => {
      const listed = await onServer('sudo --list --other-user=deploy')
      const rules = listed.split('\n').filter((line) => /^\s+\(/.test(line))
      assert.equal(rules.length, 1, listed)
      assert.match(rules[0] ?? '', /^\s+\((root|ALL)( : ALL)?\) NOPASSWD: \/usr\/local\/sbin\/skerry-release( \S+)*$/)
      const forbidden = await tryToRun(['ssh', 'sudo', '--non-interactive', 'id'])
      assert.notEqual(forbidden.exitCode, 0)
      const allowed = await run(['ssh', 'sudo', '--non-interactive', '/usr/local/sbin/skerry-release', 'status'])
      assert.match(allowed.output, /[0-9a-f]{64}/)
    })

    test('keeps the metadata address from everybody but root', async () => {
      const ask = `exec 3<>/dev/tcp/${metadata}/80`
      assert.equal(await onServer(`timeout 10 bash -c '${ask}' && echo reached`), 'reached')
      const others = ['deploy', 'skerry', 'www-data', 'nobody']
      const attempt = `timeout 3 setpriv --reuid=$user --clear-groups bash -c '${ask}' 2>/dev/null && echo $user`
      assert.equal(await onServer(`for user in ${others.join(' ')}; do ${attempt}; done; echo asked`), 'asked')
    })
  })

  describe('a broker that crashes again and again', { timeout: 4 * minute }, () => {
    test('never closes its port: every connection is taken and served', async () => {
      const crash = `
        for round in $(seq 8); do
          pid=$(systemctl show --property=MainPID --value skerry-broker.service)
          [ "$pid" = 0 ] && continue
          kill -KILL "$pid"
          tail --pid="$pid" --follow /dev/null
        done
        systemctl is-active skerry-mqtt.socket skerry-mqtts.socket skerry-wss.socket`
      let crashing = true
      const crashes = onServer(crash).finally(() => {
        crashing = false
      })
      const answers = new Map<string, number>()
      while (crashing) {
        for (const port of [1883, 8883]) {
          const answer = `${port} ${await knock(sandbox().address, port, 20_000)}`
          answers.set(answer, (answers.get(answer) ?? 0) + 1)
        }
      }
      await crashes
      assert.deepEqual([...answers.keys()].sort(), ['1883 open', '8883 open'])
    })

    test('serves who came while it was dead', async () => {
      await onServer('systemctl kill --signal=KILL skerry-broker.service')
      const client = await connectAdmin({ connectTimeout: 60_000 })
      try {
        await client.subscribeAsync('try/#')
        const message = nextMessage(client)
        await client.publishAsync('try/alive', 'yes', { qos: 1 })
        assert.deepEqual(await message, { topic: 'try/alive', payload: 'yes' })
      } finally {
        await client.endAsync(true)
      }
    })
  })
}
