import { closeSync, fsyncSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { matches } from '../topics.ts'
import { leap } from './retained-walk.ts'
import { applyChange, endLeftSessions } from './sqlite-changes.ts'
import { migrate } from './sqlite-schema.ts'
import type { Acknowledge, Change, QueuedMessage, RetainedPage, Store, StoredMessage, StoredState } from './store.ts'

export type Row = Record<string, SQLOutputValue>

const RETAINED_PAGE_MESSAGES = 100
const RETAINED_PAGE_BYTES = 1024 * 1024
/** Topics that are looked at for one page, so that no look-up keeps the writers waiting. */
const RETAINED_PAGE_STEPS = 1_000

/** The store's file. Everything here waits for the disk, so it runs in a thread of its own. */
export class SqliteDatabase {
  readonly #file: string
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** Throws SQLite's errors, and a sentence if the file comes from a newer program. */
  constructor(file: string, acknowledge: Acknowledge = 'synced') {
    this.#file = file
    // It holds people's messages; SQLite gives its other files the same mode.
    closeSync(openSync(file, 'a', 0o600))
    this.#database = new DatabaseSync(file)
    try {
      // Nobody else, another broker least of all, may use it meanwhile.
      this.#database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL')
      // FULL syncs the log at every commit; what was committed survives a power failure. NORMAL syncs it only before it is
      // written back: a power failure takes the last commits, but damages nothing (https://sqlite.org/pragma.html).
      this.#database.exec(`PRAGMA synchronous = ${acknowledge === 'synced' ? 'FULL' : 'NORMAL'}`)
      this.#database.exec('PRAGMA journal_size_limit = 67108864')
      const [check] = this.all('PRAGMA quick_check(1)')
      if (check?.quick_check !== 'ok') throw new DamagedFile(String(check?.quick_check))
      migrate(this.#database)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Makes all these changes take effect, or none of them: then it throws. They are durable now, or with the next `sync`. */
  write(changes: readonly Change[]): void {
    this.#transact(() => {
      for (const change of changes) applyChange(this, change)
    })
  }

  #transact(task: () => void): void {
    this.run('BEGIN IMMEDIATE')
    try {
      task()
      this.run('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.run('ROLLBACK')
      throw error
    }
  }

  /** Makes durable what was written. */
  sync(): void {
    const log = openSync(`${this.#file}-wal`, 'r')
    try {
      fsyncSync(log)
    } finally {
      closeSync(log)
    }
  }

  load(): StoredState {
    this.#transact(() => endLeftSessions(this))
    const sessions = this.all('SELECT * FROM session ORDER BY ends_at IS NULL, ends_at, id')
    const subscriptions = this.all('SELECT * FROM subscription')
    const queues = this.all(
      'SELECT session, count(*) messages, sum(size) bytes, min(sequence) first, max(sequence) last FROM queue GROUP BY session',
    )
    return {
      sessions: sessions.map((row) => ({
        id: Number(row.id),
        clientId: String(row.client_id),
        username: String(row.username),
        expirySeconds: Number(row.expiry_seconds),
        endsAt: row.ends_at === null ? null : Number(row.ends_at),
        sent: Number(row.sent),
      })),
      subscriptions: subscriptions.map((row) => ({
        session: Number(row.session),
        filter: String(row.filter),
        qos: toQos(row.qos),
        retainHandling: toNumber(row.retain_handling),
        retainAsPublished: toBoolean(row.retain_as_published),
        noLocal: toBoolean(row.no_local),
        identifier: toNumber(row.identifier),
        retainedFrom: toText(row.retained_from),
        retainedBefore: toNumber(row.retained_before),
      })),
      queues: queues.map((row) => ({
        session: Number(row.session),
        messages: Number(row.messages),
        bytes: Number(row.bytes),
        first: Number(row.first),
        last: Number(row.last),
      })),
      received: this.all('SELECT session, packet_id FROM received').map((row) => ({
        session: Number(row.session),
        packetId: Number(row.packet_id),
      })),
      retained: this.all('SELECT topic, size FROM retained').map((row) => ({
        topic: String(row.topic),
        size: Number(row.size),
      })),
      wills: this.all('SELECT * FROM will').map((row) => ({
        clientId: String(row.client_id),
        username: String(row.username),
        delaySeconds: Number(row.delay_seconds),
        dueAt: row.due_at === null ? null : Number(row.due_at),
        message: toMessage(row),
      })),
    }
  }

  readQueue(session: number, after: number, messages: number, bytes: number): QueuedMessage[] {
    const rows = this.prepare(
      `SELECT sequence, qos, retain, identifiers, share, size, packet_id, topic, payload, details, expires_at
         FROM queue LEFT JOIN message ON message.id = queue.message
        WHERE session = ? AND sequence > ? ORDER BY sequence LIMIT ?`,
    ).iterate(session, after, messages)
    const page: QueuedMessage[] = []
    let left = bytes
    for (const row of rows) {
      const size = Number(row.size)
      if (page.length > 0 && size > left) break
      left -= size
      page.push({
        session,
        sequence: Number(row.sequence),
        qos: toQos(row.qos),
        retain: row.retain === 1,
        identifiers: JSON.parse(String(row.identifiers)),
        share: toText(row.share),
        size,
        packetId: toNumber(row.packet_id),
        message: row.topic === null ? undefined : toMessage(row),
      })
    }
    return page
  }

  readExpired(...[now, after, limit]: Parameters<Store['readExpired']>) {
    const queued = this.all(
      `SELECT expires_at, session, sequence, client_id, size FROM queue JOIN session ON session.id = queue.session
        WHERE expires_at <= ? AND (expires_at, session, sequence) > (?, ?, ?)
        ORDER BY expires_at, session, sequence LIMIT ?`,
      now,
      after.expiresAt,
      after.session,
      after.sequence,
      limit,
    )
    const retained = this.all('SELECT topic FROM retained WHERE expires_at <= ? LIMIT ?', now, limit)
    return {
      queued: queued.map((row) => ({
        expiresAt: Number(row.expires_at),
        session: Number(row.session),
        sequence: Number(row.sequence),
        clientId: String(row.client_id),
        size: Number(row.size),
      })),
      topics: retained.map(({ topic }) => String(topic)),
    }
  }

  readRetained(filter: string, from: string): RetainedPage {
    const messages: StoredMessage[] = []
    let next: string | undefined = from
    let bytes = 0
    for (let step = 0; step < RETAINED_PAGE_STEPS && next !== undefined; step++) {
      if (messages.length >= RETAINED_PAGE_MESSAGES || bytes >= RETAINED_PAGE_BYTES) break
      const [row]: Row[] = this.all(
        'SELECT rowid, topic, size FROM retained WHERE topic >= ? ORDER BY topic LIMIT 1',
        next,
      )
      if (!row) return { messages, next: undefined }
      const topic = String(row.topic)
      if (matches(filter, topic)) {
        const [found] = this.all(
          'SELECT topic, payload, details, expires_at FROM retained WHERE rowid = ?',
          Number(row.rowid),
        )
        if (found) messages.push(toMessage(found))
        bytes += Number(row.size)
      }
      next = leap(filter, topic)
    }
    return { messages, next }
  }

  close(): void {
    this.#database.close()
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.prepare(sql).run(...values).changes)
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.prepare(sql).all(...values)
  }

  prepare(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

/** The file's content is not what SQLite wrote. */
export class DamagedFile extends Error {}

function toMessage(row: Row): StoredMessage {
  const { topic, payload, details, expires_at: expiresAt } = row
  return {
    topic: String(topic),
    payload: payload instanceof Uint8Array ? payload : String(payload),
    details: String(details),
    ...(typeof expiresAt === 'number' && { expiresAt }),
  }
}

function toQos(value: SQLOutputValue | undefined): 0 | 1 | 2 {
  return value === 2 ? 2 : value === 1 ? 1 : 0
}

function toNumber(value: SQLOutputValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function toText(value: SQLOutputValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function toBoolean(value: SQLOutputValue | undefined): boolean | undefined {
  return typeof value === 'number' ? value === 1 : undefined
}
