import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, type TestContext, test } from 'node:test'
import { temporaryDirectory } from '../test-support.ts'
import { migrate } from './sqlite-schema.ts'
import { SqliteStore } from './sqlite-store.ts'
import { type Change, NotStored, StoreUnusable } from './store.ts'

const timeout = 20_000
const file = 'broker.sqlite'

function openStore(t: TestContext, directory: string) {
  const alarms: string[] = []
  const store = new SqliteStore(directory, {
    failing: () => alarms.push('failing'),
    working: () => alarms.push('working'),
    damaged: (_error, movedTo) => alarms.push(`damaged ${movedTo}`),
  })
  t.after(() => store.close())
  return { store, alarms }
}

const message = (topic: string, payload: string | Uint8Array = 'x') => ({ topic, payload, details: '{}' })
const session = (id: number, clientId = `client ${id}`) => ({
  id,
  clientId,
  username: 'try',
  expirySeconds: 60,
  endsAt: null,
  sent: 0,
})
const queued = (topic: string, sessions: readonly number[], sequence: number, payload?: Uint8Array): Change => {
  const places = sessions.map((id) => ({
    session: id,
    sequence,
    qos: 1 as const,
    retain: false,
    identifiers: [],
    share: undefined,
    size: 10,
  }))
  return { kind: 'queued', message: message(topic, payload), places }
}

describe('a store in a file', { timeout }, () => {
  test('keeps messages once, until the last queue has let go of them', async (t) => {
    const directory = await temporaryDirectory(t)
    const { store } = openStore(t, directory)
    await store.load()
    const opened = [1, 2, 3].map((id): Change => ({ kind: 'session opened', session: session(id) }))
    await store.write([...opened, queued('shared', [1, 2, 3], 1), queued('own', [1], 2)])
    await store.write([{ kind: 'dequeued', session: 1, sequence: 1 }])
    await store.write([{ kind: 'released', session: 2, sequence: 1 }])
    assert.deepEqual(
      (await store.readQueue(1, 0, 9, 999)).map((entry) => entry.message?.topic),
      ['own'],
    )
    assert.deepEqual(
      (await store.readQueue(2, 0, 9, 999)).map((entry) => entry.message),
      [undefined],
    )
    await store.write([{ kind: 'session ended', session: 3 }])
    await store.close()
    const database = new DatabaseSync(join(directory, file))
    t.after(() => database.close())
    assert.deepEqual(
      database
        .prepare('SELECT topic, copies FROM message')
        .all()
        .map((row) => ({ ...row })),
      [{ topic: 'own', copies: 1 }],
    )
    assert.deepEqual(
      database
        .prepare('SELECT id FROM session ORDER BY id')
        .all()
        .map(({ id }) => id),
      [1, 2],
    )
  })

  test('gives pages that are bounded in messages and bytes, but never nothing', async (t) => {
    const { store } = openStore(t, await temporaryDirectory(t))
    await store.load()
    await store.write([1, 2, 3, 4, 5].map((sequence) => queued('a', [1], sequence)))
    const read = async (after: number, messages: number, bytes: number) =>
      (await store.readQueue(1, after, messages, bytes)).map(({ sequence }) => sequence)
    assert.deepEqual(await read(0, 2, 999), [1, 2])
    assert.deepEqual(await read(2, 9, 20), [3, 4])
    assert.deepEqual(await read(2, 9, 19), [3])
    assert.deepEqual(await read(2, 9, 1), [3])
    assert.deepEqual(await read(5, 9, 999), [])
    assert.deepEqual(
      (await store.readRetained('#', '')).messages.map(({ topic }) => topic),
      [],
    )
  })

  test('finds retained messages over many pages', async (t) => {
    const { store } = openStore(t, await temporaryDirectory(t))
    await store.load()
    const topics = Array.from({ length: 2_500 }, (_, number) => `${number}/${number % 500 === 0 ? 'wanted' : 'other'}`)
    await store.write(topics.map((topic) => ({ kind: 'retained', message: message(topic), size: 9 })))
    const found: string[] = []
    let from: string | undefined = ''
    let pages = 0
    for (; from !== undefined; pages++) {
      const page: Awaited<ReturnType<typeof store.readRetained>> = await store.readRetained('+/wanted', from)
      found.push(...page.messages.map(({ topic }) => topic))
      from = page.next
    }
    assert.ok(pages > 1)
    assert.deepEqual(found.sort(), ['0/wanted', '1000/wanted', '1500/wanted', '2000/wanted', '500/wanted'])
  })

  test('reads what was written before, and closes when all is written', async (t) => {
    const directory = await temporaryDirectory(t)
    const { store } = openStore(t, directory)
    await store.load()
    void store.write([{ kind: 'session opened', session: session(1) }, queued('a', [1], 1)])
    assert.equal((await store.readQueue(1, 0, 9, 999)).length, 1)
    const last = store.write([queued('a', [1], 2)])
    await store.close()
    await last
    await assert.rejects(store.write([]), NotStored)
    const { store: again } = openStore(t, directory)
    assert.equal((await again.load()).queues[0]?.messages, 2)
  })

  test('forgets what was left of sessions that others have taken the place of', async (t) => {
    const directory = await temporaryDirectory(t)
    const { store } = openStore(t, directory)
    await store.load()
    await store.write([{ kind: 'session opened', session: session(1, 'same') }, queued('a', [1], 1)])
    await store.write([{ kind: 'received', session: 1, packetId: 7 }])
    await store.write([{ kind: 'session opened', session: session(2, 'same') }, queued('b', [1, 2], 2)])
    assert.equal((await store.readQueue(1, 0, 9, 999)).length, 2)
    await store.close()
    const { store: again } = openStore(t, directory)
    const { queues, received } = await again.load()
    assert.deepEqual([queues.map((queue) => queue.session), received], [[2], []])
    const [left] = await again.readQueue(2, 0, 9, 999)
    assert.equal(left?.message?.topic, 'b')
    assert.deepEqual(await again.readQueue(1, 0, 9, 999), [])
  })

  test('is for nobody else to read, and for no second broker', async (t) => {
    const directory = await temporaryDirectory(t)
    const { store } = openStore(t, directory)
    await store.load()
    for (const name of await readdir(directory)) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600)
    const { store: second } = openStore(t, directory)
    await assert.rejects(second.load(), /in use by another broker/)
    await store.write([queued('a', [1], 1)])
  })

  test('takes all changes that are written together, or none', async (t) => {
    const { store, alarms } = openStore(t, await temporaryDirectory(t))
    await store.load()
    await store.write([queued('a', [1], 1)])
    await assert.rejects(store.write([queued('a', [1], 2), queued('a', [1], 1)]), NotStored)
    assert.equal((await store.readQueue(1, 0, 9, 999)).length, 1)
    await store.write([queued('a', [1], 2)])
    assert.deepEqual(alarms, ['failing', 'working'])
  })

  test('repeats what must be done, before what comes later', async (t) => {
    const { store } = openStore(t, await temporaryDirectory(t))
    await store.load()
    await store.write([queued('a', [1], 1)])
    const doomed = store.write([queued('a', [1], 1)])
    const freed = store.writeUntilDone([{ kind: 'dequeued', session: 1, sequence: 1 }])
    await assert.rejects(doomed, NotStored)
    await assert.rejects(freed, NotStored)
    await store.write([queued('again', [1], 1)])
    assert.deepEqual(
      (await store.readQueue(1, 0, 9, 999)).map((entry) => entry.message?.topic),
      ['again'],
    )
  })
})

describe('a file', { timeout }, () => {
  for (const [name, damage] of [
    ['that is no database', (path: string) => writeFile(path, 'x'.repeat(10_000))],
    ['with a damaged page', overwriteMiddle],
  ] as const) {
    test(`${name} is moved aside, with an alarm`, async (t) => {
      const directory = await temporaryDirectory(t)
      const { store: first } = openStore(t, directory)
      await first.load()
      for (let number = 1; number <= 50; number++) await first.write([queued('a', [1], number, new Uint8Array(4_000))])
      await first.close()
      await damage(join(directory, file))
      const { store, alarms } = openStore(t, directory)
      const { queues } = await store.load()
      assert.deepEqual(queues, [])
      await store.write([queued('a', [1], 1)])
      const movedTo = /^damaged (.*)/.exec(alarms[0] ?? '')?.[1] ?? assert.fail(`${alarms}`)
      assert.deepEqual(await readdir(movedTo), [file])
    })
  }

  test('of a newer program is left alone', async (t) => {
    const directory = await temporaryDirectory(t)
    const database = new DatabaseSync(join(directory, file))
    database.exec('PRAGMA user_version = 999')
    database.close()
    const { store } = openStore(t, directory)
    await assert.rejects(store.load(), /version 999.*newer program/)
    assert.deepEqual(
      (await readdir(directory)).filter((name) => name.startsWith('damaged')),
      [],
    )
  })

  test('that cannot be opened is no reason to begin anew', async (t) => {
    const directory = await temporaryDirectory(t)
    await mkdir(join(directory, file))
    const { store } = openStore(t, directory)
    await assert.rejects(store.load(), StoreUnusable)
    await assert.rejects(store.write([queued('a', [1], 1)]), NotStored)
  })

  test('of an earlier version gets the steps that are missing, once, or none of them', () => {
    const database = new DatabaseSync(':memory:')
    const steps = ['CREATE TABLE a (x)', 'CREATE TABLE b (x); INSERT INTO a VALUES (1)']
    const version = () => database.prepare('PRAGMA user_version').get()?.user_version
    migrate(database, steps.slice(0, 1))
    assert.equal(version(), 1)
    migrate(database, steps)
    migrate(database, steps)
    assert.equal(version(), 2)
    assert.equal(database.prepare('SELECT count(*) n FROM a').get()?.n, 1)
    assert.throws(() => migrate(database, [...steps, 'CREATE TABLE c (x); CREATE TABLE a (x)']))
    assert.equal(version(), 2)
    assert.throws(() => database.prepare('SELECT * FROM c'))
    database.close()
  })
})

async function overwriteMiddle(path: string): Promise<void> {
  const handle = await open(path, 'r+')
  const { size } = await handle.stat()
  await handle.write(randomBytes(16_384), 0, 16_384, Math.floor(size / 2))
  await handle.close()
}

const isRoot = process.platform === 'linux' && process.getuid?.() === 0

test('on a full disk nothing is stored, and all is well when there is room again', {
  timeout,
  skip: isRoot ? false : 'only root can make a small disk',
}, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', directory])
  const { store, alarms } = openStore(t, directory)
  t.after(async () => {
    await store.close()
    execFileSync('umount', [directory])
    await rm(directory, { recursive: true })
  })
  await store.load()
  await store.write([queued('before', [1], 1)])
  const ballast = join(directory, 'ballast')
  await assert.rejects(writeFile(ballast, new Uint8Array(4 * 1024 * 1024)))
  for (let sequence = 2; sequence < 5; sequence++) {
    await assert.rejects(store.write([queued('full', [1], sequence, new Uint8Array(100_000))]), NotStored)
  }
  assert.deepEqual(alarms, ['failing'])
  await rm(ballast)
  await store.write([queued('after', [1], 9)])
  assert.deepEqual(alarms, ['failing', 'working'])
  assert.deepEqual(
    (await store.readQueue(1, 0, 9, 999)).map((entry) => entry.message?.topic),
    ['before', 'after'],
  )
})
