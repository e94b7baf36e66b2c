import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { driveProvider } from '../driver.ts'
import { conceal, type Properties, revealAll, secretNames } from '../values.ts'
import { commandProvider } from './provider.ts'
import { findSshd, startSshd, type TestSshd } from './sshd.ts'

const assetSignature = { '4dabf18193072939515e22adb298388d': 'c44067f5952c0a294b673a41bacd8c17' }
const textAsset = (text: string): Properties => ({
  ...assetSignature,
  text,
  hash: createHash('sha256').update(text).digest('hex'),
})
const fileAsset = (path: string, hash: string): Properties => ({ ...assetSignature, path, hash })

async function driving<T>(
  type: string,
  work: (provider: Awaited<ReturnType<typeof driveProvider>>) => Promise<T>,
): Promise<T> {
  const provider = await driveProvider(commandProvider, type)
  try {
    return await work(provider)
  } finally {
    provider.close()
  }
}

// A place for temporary files that nobody else uses, to see that none stays.
const temporary = await mkdtemp(join(tmpdir(), 'skerry-command-test-'))
process.env.TMPDIR = temporary
after(() => rm(temporary, { recursive: true, force: true }))

/** Directories with keys that are still there. */
const leftovers = async () => (await readdir(temporary)).filter((name) => name.startsWith('skerry-ssh-'))

async function waitUntil(condition: () => boolean): Promise<void> {
  for (let attempt = 0; !condition(); attempt++) {
    if (attempt === 2_000) assert.fail(`never came true: ${condition}`)
    await setTimeout(10)
  }
}

const sshd = await findSshd()
const skip = sshd === undefined ? 'there is no sshd on this machine (Debian: openssh-server)' : false

describe('command.remote', { skip, timeout: 120_000 }, () => {
  let server: TestSshd
  before(async () => {
    server = await startSshd(sshd ?? '')
  })
  after(() => server?.close())

  const connection = (more: Properties = {}): Properties => ({
    host: '127.0.0.1',
    port: server.port,
    user: server.user,
    privateKey: server.privateKey,
    hostKey: server.hostKey,
    dialErrorLimit: 0,
    perDialTimeout: 10,
    ...more,
  })
  const remote = <T>(work: (provider: Awaited<ReturnType<typeof driveProvider>>) => Promise<T>) =>
    driving('command:remote:Command', work)

  test('a command gets its input and environment, and its output is shown line by line', async () => {
    await remote(async (provider) => {
      const inputs = {
        connection: connection(),
        create: 'cat; echo "$GREETING"; echo 100% "#quoted" >&2',
        stdin: 'from stdin\n',
        environment: { GREETING: 'hello' },
      }
      const { id, outputs } = await provider.create(conceal(inputs, ['connection']))
      assert.match(id, /^thing[0-9a-f]{8}$/)
      assert.equal(outputs.stdout, 'from stdin\nhello')
      assert.equal(outputs.stderr, '100% #quoted')
      assert.deepEqual(provider.lines.toSorted(), ['100% #quoted', 'from stdin', 'hello'])
      assert.deepEqual(secretNames(outputs), ['connection'])
    })
    assert.deepEqual(await leftovers(), [])
  })

  test('a command of several lines keeps its quotes, percents and backslashes', async () => {
    const script = `set -eu
name='it''s'
printf '%s|%d%%|%s\\n' "$name" 5 'a\\b'
while read -r line; do
  echo "<$line>"
done`
    await remote(async (provider) => {
      const { outputs } = await provider.create({ connection: connection(), create: script, stdin: 'one\ntwo\n' })
      assert.equal(outputs.stdout, 'its|5%|a\\b\n<one>\n<two>')
    })
  })

  test('what comes of a secret is secret, and nothing is logged with logging none', async () => {
    await remote(async (provider) => {
      const inputs = { connection: connection(), create: 'cat', stdin: 'sesame', logging: 'none' }
      const { outputs } = await provider.create(conceal(inputs, ['stdin']))
      assert.deepEqual(secretNames(outputs).sort(), ['connection', 'stderr', 'stdin', 'stdout'])
      assert.deepEqual(provider.lines, [])
    })
  })

  test('an exit code other than 0 fails at once with the last lines, and is not tried again', async () => {
    server.refuse(0)
    await remote((provider) =>
      assert.rejects(
        provider.create({
          connection: connection({ dialErrorLimit: 5 }),
          create: 'echo fine; echo broken >&2; exit 3',
        }),
        /The command ended with exit code 3 on 127\.0\.0\.1:\nbroken$/,
      ),
    )
    assert.equal(server.dials(), 1)
    assert.deepEqual(await leftovers(), [])
  })

  test('exit code 255 of the command is no lost connection', async () => {
    await remote((provider) =>
      assert.rejects(provider.create({ connection: connection(), create: 'exit 255' }), /exit code 255/),
    )
  })

  test('another host key than the given one is refused', async () => {
    const other = await startSshd(sshd ?? '')
    try {
      await remote((provider) =>
        assert.rejects(
          provider.create({ connection: connection({ hostKey: other.hostKey }), create: 'true' }),
          /Host key verification failed/,
        ),
      )
    } finally {
      await other.close()
    }
    assert.deepEqual(await leftovers(), [])
  })

  test('without a host key whoever answers is believed', async () => {
    await remote((provider) => {
      const { hostKey, ...rest } = connection()
      return provider.create({ connection: rest, create: 'true' })
    })
  })

  test('a wrong private key is refused, and does not show', async () => {
    const other = await startSshd(sshd ?? '')
    try {
      await remote((provider) =>
        assert.rejects(
          provider.create({ connection: connection({ privateKey: other.privateKey }), create: 'true' }),
          (error: Error) => {
            assert.match(error.message, /Permission denied/)
            return !error.message.includes('PRIVATE KEY')
          },
        ),
      )
    } finally {
      await other.close()
    }
  })

  test('a failed dial is tried again up to the limit, and not once more', async () => {
    await remote(async (provider) => {
      server.refuse(2)
      await provider.create({ connection: connection({ dialErrorLimit: 2 }), create: 'true' })
      assert.equal(server.dials(), 3)
      server.refuse(2)
      const failing = provider.create({ connection: connection({ dialErrorLimit: 1 }), create: 'true' })
      await assert.rejects(failing, /No SSH connection to .* after 2 attempts: /)
      assert.equal(server.dials(), 2)
    })
    assert.deepEqual(await leftovers(), [])
  })

  test('a connection that is cut in the middle is an error that says so', async () => {
    await remote(async (provider) => {
      const lost = provider.create({ connection: connection(), create: 'echo started; sleep 30' })
      const rejected = assert.rejects(lost, /The connection to 127\.0\.0\.1 was lost while the command ran/)
      await waitUntil(() => provider.lines.includes('started'))
      server.cut()
      await rejected
    })
    assert.deepEqual(await leftovers(), [])
  })

  test('a cancelled command ends, and its key is removed', async () => {
    await remote(async (provider) => {
      const rejected = assert.rejects(
        provider.create({ connection: connection(), create: 'echo started; sleep 30' }),
        /was stopped/,
      )
      await waitUntil(() => provider.lines.includes('started'))
      const [directory = ''] = await leftovers()
      assert.ok(!existsSync(join(temporary, directory, 'key')), 'the key is gone once it has served')
      provider.stop()
      await rejected
    })
    assert.deepEqual(await leftovers(), [])
  })

  test('the key is a file for this user alone while the host is dialled', async () => {
    await remote(async (provider) => {
      server.refuse(1000)
      const rejected = assert.rejects(
        provider.create({ connection: connection({ dialErrorLimit: -1 }), create: 'true' }),
        /was stopped/,
      )
      await waitUntil(() => server.dials() > 1)
      const [directory = ''] = await leftovers()
      assert.equal((await stat(join(temporary, directory))).mode & 0o777, 0o700)
      assert.equal((await stat(join(temporary, directory, 'key'))).mode & 0o777, 0o600)
      provider.stop()
      await rejected
      server.refuse(0)
    })
    assert.deepEqual(await leftovers(), [])
  })

  test('no secret shows in the arguments of a process', async () => {
    await remote(async (provider) => {
      const inputs = {
        connection: connection(),
        create: 'echo "$GREETING"; cat > /dev/null; sleep 0.5',
        stdin: 'in-stdin',
        environment: { GREETING: 'in-environment' },
      }
      const running = provider.create(inputs)
      await waitUntil(() => provider.lines.includes('in-environment'))
      for (const name of (await readdir('/proc')).filter((entry) => /^[0-9]+$/.test(entry))) {
        const shown = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
        if (!/^(ssh|sftp)\0/.test(shown)) continue
        assert.ok(!/in-stdin|in-environment|GREETING/.test(shown), shown)
      }
      await running
    })
  })

  test('an update runs "update", or "create" where there is none, with the last output at hand', async () => {
    await remote(async (provider) => {
      const before: Properties = { connection: connection(), create: 'echo first' }
      const { outputs } = await provider.create(before)
      const again = { ...before, create: 'echo "second after $PULUMI_COMMAND_STDOUT"' }
      assert.equal((await provider.update('1', before, again, revealAll(outputs))).stdout, 'second after first')
      const update = { ...again, update: 'echo third' }
      assert.equal((await provider.update('1', again, update, revealAll(outputs))).stdout, 'third')
    })
  })

  test('a deletion runs "delete" only where there is one', async () => {
    await remote(async (provider) => {
      const mark = join(server.directory, 'deleted')
      server.refuse(0)
      await provider.delete('1', { connection: connection(), create: 'true' })
      assert.equal(server.dials(), 0)
      await provider.delete('1', { connection: connection(), delete: `touch ${mark}` })
      assert.ok(existsSync(mark))
    })
  })

  test('a text is copied over what is there, a shorter one too', async () => {
    await driving('command:remote:CopyToRemote', async (provider) => {
      const remotePath = join(server.directory, 'a "quoted" name')
      const inputs: Properties = { connection: connection(), remotePath, source: textAsset('a long text') }
      const { outputs } = await provider.create(inputs)
      assert.equal(await readFile(remotePath, 'utf8'), 'a long text')
      const shorter = { ...inputs, source: textAsset('short') }
      await provider.update('1', inputs, shorter, revealAll(outputs))
      assert.equal(await readFile(remotePath, 'utf8'), 'short')
    })
    assert.deepEqual(await leftovers(), [])
  })

  test('a file is copied under its own name into a directory, and a missing one is named', async () => {
    await driving('command:remote:CopyToRemote', async (provider) => {
      const source = join(server.directory, 'archive [1]*.bin')
      const target = join(server.directory, 'incoming')
      const content = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251))
      await writeFile(source, content)
      await mkdir(target)
      await provider.create({ connection: connection(), remotePath: target, source: fileAsset(source, 'h1') })
      assert.deepEqual(await readFile(join(target, 'archive [1]*.bin')), content)
      const missing = {
        connection: connection(),
        remotePath: join(server.directory, 'no', 'such'),
        source: fileAsset(source, 'h1'),
      }
      await assert.rejects(provider.create(missing), /no\/such could not be written on 127\.0\.0\.1: /)
    })
  })

  test('nothing is copied when neither content nor path has changed', async () => {
    await driving('command:remote:CopyToRemote', async (provider) => {
      server.refuse(0)
      const before: Properties = { connection: connection(), remotePath: '/x', source: fileAsset('/one', 'h') }
      await provider.update(
        '1',
        before,
        { ...before, source: fileAsset('/two', 'h'), connection: connection({ port: 1 }) },
        {},
      )
      assert.equal(server.dials(), 0)
    })
  })
})

describe('command inputs', () => {
  const valid: Properties = { connection: { host: '192.0.2.1', user: 'deploy' }, create: 'true' }

  test('that are wrong are named', async () => {
    await driving('command:remote:Command', async (provider) => {
      const failures = async (inputs: Properties) => (await provider.check(inputs)).failures.join('\n')
      assert.equal(await failures(valid), '')
      const cases: [Properties, RegExp][] = [
        [{ create: 'true' }, /^$/],
        [{ ...valid, connection: { host: 'a\nProxyCommand evil' } }, /^connection\.host: /],
        [{ ...valid, connection: { host: 'a', user: '-oProxyCommand=evil' } }, /^connection\.user: /],
        [{ ...valid, connection: { host: 'a', hostKey: 'AAAA' } }, /^connection\.hostKey: /],
        [{ ...valid, connection: { host: 'a', password: 'x' } }, /^connection\.password: .*genuine provider/],
        [{ ...valid, logging: 'all' }, /^logging: /],
      ]
      for (const [inputs, expected] of cases) assert.match(await failures(inputs), expected)
    })
  })

  test('that are still unknown are not judged', async () => {
    await driving('command:remote:Command', async (provider) => {
      const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'
      const { failures } = await provider.check({ create: unknown, connection: { host: unknown, hostKey: unknown } })
      assert.deepEqual(failures, [])
      assert.deepEqual((await provider.check({ create: 'true', connection: unknown })).failures, [])
    })
  })

  test('changed triggers replace, the new one first; a changed command updates', async () => {
    await driving('command:remote:Command', async (provider) => {
      const before = { ...valid, triggers: ['1', 'a'] }
      const replaced = await provider.diff('1', before, { ...before, triggers: ['2', 'a'] })
      assert.deepEqual(replaced, {
        changes: true,
        replaces: ['triggers'],
        deleteBeforeReplace: false,
        details: { 'triggers[0]': 'UPDATE_REPLACE' },
      })
      assert.deepEqual((await provider.diff('1', before, { ...before, create: 'false' })).details, { create: 'UPDATE' })
    })
  })

  test('of a copy must be a file and one path', async () => {
    await driving('command:remote:CopyToRemote', async (provider) => {
      const { create, ...rest } = valid
      const failures = async (inputs: Properties) => (await provider.check({ ...rest, ...inputs })).failures.join('\n')
      assert.equal(await failures({ source: textAsset(''), remotePath: '/x' }), '')
      assert.match(
        await failures({ source: textAsset('a'), remotePath: '/x\nrm /y' }),
        /^remotePath: must be one line$/,
      )
      const archive = { '4dabf18193072939515e22adb298388d': '0def7320c3a5731c473e5ecbe6d01bc7', path: 'x' }
      assert.match(await failures({ source: archive, remotePath: '/x' }), /^source: the stand-in copies files/)
    })
  })

  test('of a copied file differ by content, not by path', async () => {
    await driving('command:remote:CopyToRemote', async (provider) => {
      const before = { ...valid, source: fileAsset('/one', 'h1') }
      assert.equal((await provider.diff('1', before, { ...before, source: fileAsset('/two', 'h1') })).changes, false)
      assert.deepEqual((await provider.diff('1', before, { ...before, source: fileAsset('/one', 'h2') })).details, {
        source: 'UPDATE',
      })
    })
  })
})

describe('command.local.Command', () => {
  test('runs in its directory with its input, and fails with its exit code', async () => {
    await driving('command:local:Command', async (provider) => {
      const { outputs } = await provider.create({
        create: 'pwd; cat; echo "$NAME"',
        dir: '/',
        stdin: 'in\n',
        environment: { NAME: 'value' },
      })
      assert.equal(outputs.stdout, '/\nin\nvalue')
      await assert.rejects(provider.create({ create: 'echo why >&2; exit 7' }), /exit code 7 on this machine:\nwhy$/)
      await assert.rejects(provider.create({ create: 'kill -9 $$' }), /was killed on this machine/)
      const { outputs: node } = await provider.create({
        create: 'console.log(6 * 7)',
        interpreter: [process.execPath, '-e'],
      })
      assert.equal(node.stdout, '42')
    })
  })

  test('that writes without end is stopped', async () => {
    await driving('command:local:Command', (provider) =>
      assert.rejects(provider.create({ create: 'yes', logging: 'none' }), /wrote more than 8388608 bytes/),
    )
  })
})
