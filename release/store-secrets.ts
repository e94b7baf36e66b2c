// On the server: node secrets.mjs DIRECTORY < secrets.json, as root.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { hashPassword, parsePasswordHash } from '../broker/passwords.ts'
import { credentialFiles, type HealthPassword } from './credentials.ts'
import { writeDurably } from './durable-file.ts'
import { parseSecrets } from './parse-secrets.ts'

const [, , directory = ''] = process.argv

try {
  const files = credentialFiles(parseSecrets(await text(process.stdin)), await healthPassword())
  for (const [path, content] of Object.entries(files)) store(join(directory, path), content)
} catch (error) {
  console.error(`secrets: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}

/** Kept once made: a new hash would have the broker restarted. */
async function healthPassword(): Promise<HealthPassword> {
  const [passwordPath, hashPath] = [join(directory, 'health/password'), join(directory, 'health/password.phc')]
  if (existsSync(passwordPath) && existsSync(hashPath)) {
    const kept = { password: readFileSync(passwordPath, 'utf8'), hash: readFileSync(hashPath, 'utf8') }
    if (parsePasswordHash(kept.hash)) return kept
  }
  const password = randomBytes(24).toString('base64url')
  return { password, hash: await hashPassword(Buffer.from(password)) }
}

function store(path: string, content: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeDurably(path, content, 0o600)
}
