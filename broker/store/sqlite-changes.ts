import type { SqliteDatabase } from './sqlite-database.ts'
import type { Change, QueuePlace, StoredMessage, StoredSession, StoredSubscription, StoredWill } from './store.ts'

/** Brings one change into the tables, within the transaction that is open. */
export function applyChange(database: SqliteDatabase, change: Change): void {
  switch (change.kind) {
    case 'session opened':
      openSession(database, change.session)
      break
    case 'session left':
      database.run('UPDATE session SET ends_at = ?, sent = ? WHERE id = ?', change.endsAt, change.sent, change.session)
      break
    case 'session ended':
      endSession(database, change.session)
      break
    case 'subscribed':
      subscribe(database, change.subscription)
      break
    case 'unsubscribed':
      database.run('DELETE FROM subscription WHERE session = ? AND filter = ?', change.session, change.filter)
      break
    case 'retained sent':
      database.run(
        'UPDATE subscription SET retained_from = ?, retained_before = ? WHERE session = ? AND filter = ?',
        change.retainedFrom ?? null,
        change.retainedBefore,
        change.session,
        change.filter,
      )
      break
    case 'queued':
      queue(database, change.message, change.places)
      break
    case 'identified':
      database.run(
        'UPDATE queue SET packet_id = ? WHERE session = ? AND sequence = ?',
        change.packetId,
        change.session,
        change.sequence,
      )
      break
    case 'released':
      release(database, change.session, change.sequence)
      break
    case 'dequeued':
      dequeue(database, change.session, change.sequence)
      break
    case 'received':
      database.run('INSERT OR REPLACE INTO received VALUES (?, ?)', change.session, change.packetId)
      break
    case 'completed':
      database.run('DELETE FROM received WHERE session = ? AND packet_id = ?', change.session, change.packetId)
      break
    case 'retained':
      retain(database, change.message, change.size)
      break
    case 'forgotten':
      database.run('DELETE FROM retained WHERE topic = ?', change.topic)
      break
    case 'will left':
      leaveWill(database, change.will)
      break
    case 'will delayed':
      database.run('UPDATE will SET due_at = ? WHERE client_id = ?', change.dueAt, change.clientId)
      break
    case 'will taken':
      database.run('DELETE FROM will WHERE client_id = ?', change.clientId)
      break
  }
}

function openSession(
  database: SqliteDatabase,
  { id, clientId, username, expirySeconds, endsAt, sent }: StoredSession,
): void {
  database.run(
    'INSERT OR REPLACE INTO session (id, client_id, username, expiry_seconds, ends_at, sent) VALUES (?, ?, ?, ?, ?, ?)',
    id,
    clientId,
    username,
    expirySeconds,
    endsAt,
    sent,
  )
}

function endSession(database: SqliteDatabase, session: number): void {
  for (const { sequence } of database.all('SELECT sequence FROM queue WHERE session = ?', session)) {
    dequeue(database, session, Number(sequence))
  }
  database.run('DELETE FROM received WHERE session = ?', session)
  database.run('DELETE FROM subscription WHERE session = ?', session)
  database.run('DELETE FROM session WHERE id = ?', session)
}

/** A session whose messages for others were still being handed over, when a new one took its client id and the process ended. */
export function endLeftSessions(database: SqliteDatabase): void {
  const left = database.all(
    `SELECT session FROM queue UNION SELECT session FROM subscription UNION SELECT session FROM received
     EXCEPT SELECT id FROM session`,
  )
  for (const { session } of left) endSession(database, Number(session))
}

function subscribe(database: SqliteDatabase, subscription: StoredSubscription): void {
  const { session, filter, qos, retainHandling, retainAsPublished, noLocal, identifier } = subscription
  database.run(
    'INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    session,
    filter,
    qos,
    retainHandling ?? null,
    retainAsPublished === undefined ? null : Number(retainAsPublished),
    noLocal === undefined ? null : Number(noLocal),
    identifier ?? null,
    subscription.retainedFrom ?? null,
    subscription.retainedBefore ?? null,
  )
}

function queue(database: SqliteDatabase, message: StoredMessage, places: readonly QueuePlace[]): void {
  const { lastInsertRowid } = database
    .prepare('INSERT INTO message (copies, topic, payload, details) VALUES (?, ?, ?, ?)')
    .run(places.length, message.topic, message.payload, message.details)
  for (const { session, sequence, qos, retain, identifiers, share, size } of places) {
    database.run(
      `INSERT INTO queue (session, sequence, message, qos, retain, identifiers, share, size, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      session,
      sequence,
      lastInsertRowid,
      qos,
      Number(retain),
      identifiers.length === 0 ? '[]' : JSON.stringify(identifiers),
      share ?? null,
      size,
      message.expiresAt ?? null,
    )
  }
}

function release(database: SqliteDatabase, session: number, sequence: number): void {
  const [row] = database.all('SELECT message FROM queue WHERE session = ? AND sequence = ?', session, sequence)
  database.run(
    'UPDATE queue SET message = NULL, expires_at = NULL WHERE session = ? AND sequence = ?',
    session,
    sequence,
  )
  if (typeof row?.message === 'number') dropCopy(database, row.message)
}

function dequeue(database: SqliteDatabase, session: number, sequence: number): void {
  const [row] = database.all(
    'DELETE FROM queue WHERE session = ? AND sequence = ? RETURNING message',
    session,
    sequence,
  )
  if (typeof row?.message === 'number') dropCopy(database, row.message)
}

function dropCopy(database: SqliteDatabase, message: number): void {
  if (database.run('DELETE FROM message WHERE id = ? AND copies = 1', message) > 0) return
  database.run('UPDATE message SET copies = copies - 1 WHERE id = ?', message)
}

function retain(database: SqliteDatabase, message: StoredMessage, size: number): void {
  const { topic, payload, details, expiresAt } = message
  database.run(
    `INSERT INTO retained (topic, payload, details, size, expires_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (topic) DO UPDATE SET payload = excluded.payload, details = excluded.details, size = excluded.size,
       expires_at = excluded.expires_at`,
    topic,
    payload,
    details,
    size,
    expiresAt ?? null,
  )
}

function leaveWill(database: SqliteDatabase, { clientId, username, delaySeconds, dueAt, message }: StoredWill): void {
  database.run(
    'INSERT OR REPLACE INTO will (client_id, username, delay_seconds, due_at, topic, payload, details) VALUES (?, ?, ?, ?, ?, ?, ?)',
    clientId,
    username,
    delaySeconds,
    dueAt,
    message.topic,
    message.payload,
    message.details,
  )
}
