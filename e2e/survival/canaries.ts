import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { onServer, run } from '../sandbox.ts'
import { engineFiles, gatherSecrets, givenAway, type Secrets } from './secrets.ts'

const minute = 60_000
/** The end of a pipe that lets text through only. */
const printable = `tr --complement --delete '[:print:]\\n'`

/** @param commandLines those of all processes while the stack was made */
export function canaries(commandLines: () => ReadonlySet<string>) {
  describe('no secret is in clear', { timeout: 3 * minute }, () => {
    let secrets: Secrets
    before(async () => {
      secrets = await gatherSecrets()
    })

    const assertKept = (text: string, where: string, except: readonly string[] = []) =>
      assert.deepEqual(
        givenAway(text, secrets).filter((name) => !except.includes(name)),
        [],
        where,
      )

    test('where it is expected it is found: the search can fail', async () => {
      for (const [name, parts] of secrets) assert.ok(parts.length > 0, `nothing gives "${name}" away`)
      const shown = await run(['pulumi', 'stack', 'output', '--json', '--show-secrets'])
      assert.ok(givenAway(shown.stdout.replaceAll('\\n', '\n'), secrets).some((name) => name.startsWith('deploy key')))
      const kept = await onServer('cat /etc/skerry/broker/broker.key /etc/skerry/health/password')
      assert.deepEqual(givenAway(kept, secrets).length >= 2, true)
    })

    test('in the journal and the logs of the server', async () => {
      assertKept(await onServer(`journalctl --no-pager --output=export --all | ${printable}`), 'journal')
      assertKept(
        await onServer(`find /var/log -type f -not -path '*/journal/*' -exec cat {} + | ${printable}`),
        '/var/log',
      )
    })

    test('in the arguments of any process while the stack was made', () => {
      assert.ok([...commandLines()].some((line) => line.includes('skerry-release\0apply')))
      assertKept([...commandLines()].join('\n'), 'arguments')
    })

    test('in the user data that the server can read, but for its own host key', async () => {
      const metadata = await onServer(`
        exec 3<>/dev/tcp/169.254.169.254/80
        printf 'GET /hetzner/v1/userdata HTTP/1.1\\r\\nHost: metadata\\r\\nConnection: close\\r\\n\\r\\n' >&3
        cat <&3`)
      const kept = await onServer('cat /var/lib/cloud/instance/user-data.txt')
      for (const text of [metadata, kept]) {
        assert.match(text, /#cloud-config/)
        const hostKey = [...secrets.keys()].filter((name) => name.startsWith('host key'))
        assert.ok(givenAway(text, secrets).length > 0, 'the host key is not there')
        assertKept(text, 'user data', hostKey)
      }
    })

    test('in what the stack tells without --show-secrets', async () => {
      for (const options of [[], ['--json']]) {
        const { output } = await run(['pulumi', 'stack', 'output', ...options])
        assertKept(output.replaceAll('\\n', '\n'), `stack output ${options}`)
      }
      const { output } = await run(['pulumi', 'stack', 'export'])
      assertKept(output.replaceAll('\\n', '\n'), 'stack export')
      const { stdout } = await run(['pulumi', 'config'])
      assertKept(stdout, 'config')
    })

    test('in the engine’s files: state, history, settings, log', async () => {
      const files = await engineFiles()
      assert.ok([...files.keys()].some((path) => path.endsWith('/stacks/skerry/sandbox.json')))
      for (const [path, text] of files) assertKept(text.replaceAll('\\n', '\n'), path)
    })

    test('in what any user of the server may read', async () => {
      const readable = await onServer(
        `find /etc /opt /run /srv /tmp /var/lib /var/www -xdev -type f -perm -o=r -size -200k -not -path '/var/lib/dpkg/*' -not -path '/var/lib/apt/*' -print0 |
          xargs -0 setpriv --reuid=nobody --clear-groups cat 2>/dev/null | ${printable}; true`,
      )
      assert.ok(readable.includes('nobody:'), 'nothing was read')
      assertKept(readable, 'files for everybody')
    })
  })
}
