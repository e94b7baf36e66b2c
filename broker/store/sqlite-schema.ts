import type { DatabaseSync } from 'node:sqlite'

/** The steps from an empty file to today's tables. A step that was released never changes; a new one is appended. */
const migrations: readonly string[] = [
  `CREATE TABLE session (
     id INTEGER PRIMARY KEY,
     client_id TEXT NOT NULL UNIQUE,
     username TEXT NOT NULL,
     expiry_seconds INTEGER NOT NULL,
     ends_at INTEGER,
     sent INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE subscription (
     session INTEGER NOT NULL,
     filter TEXT NOT NULL,
     qos INTEGER NOT NULL,
     retain_handling INTEGER,
     retain_as_published INTEGER,
     no_local INTEGER,
     identifier INTEGER,
     PRIMARY KEY (session, filter)
   ) STRICT, WITHOUT ROWID;
   -- Once, however many queues it stands in. The payload is a blob or a text.
   CREATE TABLE message (
     id INTEGER PRIMARY KEY,
     copies INTEGER NOT NULL,
     topic TEXT NOT NULL,
     payload ANY NOT NULL,
     details TEXT NOT NULL
   ) STRICT;
   -- Without a message: a QoS 2 message that the receiver has, only PUBREL and PUBCOMP are missing.
   CREATE TABLE queue (
     session INTEGER NOT NULL,
     sequence INTEGER NOT NULL,
     message INTEGER,
     qos INTEGER NOT NULL,
     retain INTEGER NOT NULL,
     identifiers TEXT NOT NULL,
     size INTEGER NOT NULL,
     packet_id INTEGER,
     PRIMARY KEY (session, sequence)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE received (
     session INTEGER NOT NULL,
     packet_id INTEGER NOT NULL,
     PRIMARY KEY (session, packet_id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE retained (
     topic TEXT NOT NULL UNIQUE,
     payload ANY NOT NULL,
     details TEXT NOT NULL,
     size INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE will (
     client_id TEXT NOT NULL UNIQUE,
     username TEXT NOT NULL,
     delay_seconds INTEGER NOT NULL,
     topic TEXT NOT NULL,
     payload ANY NOT NULL,
     details TEXT NOT NULL
   ) STRICT;`,
  `ALTER TABLE subscription ADD COLUMN retained_from TEXT;
   ALTER TABLE queue ADD COLUMN share TEXT;`,
  'ALTER TABLE will ADD COLUMN due_at INTEGER;',
  `ALTER TABLE queue ADD COLUMN expires_at INTEGER;
   CREATE INDEX queue_expiry ON queue (expires_at) WHERE expires_at IS NOT NULL;
   ALTER TABLE retained ADD COLUMN expires_at INTEGER;
   CREATE INDEX retained_expiry ON retained (expires_at) WHERE expires_at IS NOT NULL;`,
  'ALTER TABLE subscription ADD COLUMN retained_before INTEGER;',
]

/** Brings a database to the version that this program knows; throws a sentence if it comes from a newer one. */
export function migrate(database: DatabaseSync, steps: readonly string[] = migrations): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  if (version === steps.length) return
  if (version > steps.length) {
    throw new Error(
      `The broker's store has version ${version}, this program knows versions up to ${steps.length}. Run the newer program that wrote it.`,
    )
  }
  database.exec('BEGIN IMMEDIATE')
  try {
    for (const step of steps.slice(version)) database.exec(step)
    database.exec(`PRAGMA user_version = ${steps.length}`)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
