import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { DamagedFile, SqliteDatabase } from './sqlite-database.ts'
import type { Answer, Question, ThreadOptions } from './sqlite-thread.ts'

const FILE = 'broker.sqlite'
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

const port = parentPort
if (!port) throw new Error('The store runs in a worker thread only.')
const { directory, acknowledge }: ThreadOptions = workerData
let database: SqliteDatabase | undefined

port.on('message', (question: Question) => {
  try {
    answer({ result: decide(question) })
  } catch (error) {
    answer({ error: describe(error), isUnusable: isUnusable(error) })
  }
})

function answer(message: Answer): void {
  port?.postMessage(message)
  if (message.result === 'closed') port?.close()
}

function decide(question: Question): unknown {
  if (question.what === 'load') return load()
  if (!database) throw new Error('the store is not open')
  switch (question.what) {
    case 'write':
      return database.write(question.changes)
    case 'read queue':
      return database.readQueue(question.session, question.after, question.messages, question.bytes)
    case 'read expired':
      return database.readExpired(question.now, question.after, question.limit)
    case 'read retained':
      return database.readRetained(question.filter, question.from)
    case 'sync':
      return database.sync()
    case 'close':
      database.close()
      database = undefined
      return 'closed'
  }
}

function load() {
  const file = join(directory, FILE)
  let damage: { error: string; movedTo: string } | undefined
  try {
    database = new SqliteDatabase(file, acknowledge)
    return { state: database.load() }
  } catch (error) {
    database?.close()
    database = undefined
    if (!isDamage(error)) throw error
    damage = { error: describe(error), movedTo: moveAside() }
  }
  database = new SqliteDatabase(file, acknowledge)
  return { state: database.load(), damage }
}

function isDamage(error: unknown): boolean {
  if (error instanceof DamagedFile) return true
  const code = codeOf(error)
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB
}

/** Whether the operating system is in the way: a full disk, a missing permission. */
function isUnusable(error: unknown): boolean {
  if (error instanceof Error && 'syscall' in error) return true
  const code = codeOf(error)
  return code !== undefined && code !== SQLITE_BUSY
}

function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  // The lower byte is the kind of error, the rest says more about it.
  return Number(error.errcode) & 0xff
}

/** Together in one folder, so that `sqlite3` can still recover what is in them. */
function moveAside(): string {
  const folder = join(directory, `damaged-${new Date().toISOString().replaceAll(':', '-')}`)
  mkdirSync(folder)
  for (const name of [FILE, `${FILE}-wal`, `${FILE}-shm`]) {
    try {
      renameSync(join(directory, name), join(folder, name))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  return folder
}

function describe(error: unknown): string {
  if (codeOf(error) === SQLITE_BUSY)
    return `The store in ${directory} is in use by another broker. Stop that one first.`
  return error instanceof Error ? error.message : String(error)
}
