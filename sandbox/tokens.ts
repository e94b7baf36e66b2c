import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Instance } from './instance.ts'

/** The API tokens of one sandbox, in the forms that the providers insist on. */
export interface Tokens {
  /** 64 hexadecimal digits. */
  readonly hetzner: string
  /** 40 hexadecimal digits. */
  readonly cloudflare: string
  /** As `hetzner`, may only read. */
  readonly hetznerReadOnly: string
  /** As `cloudflare`, may only read. */
  readonly cloudflareReadOnly: string
  /** For faults in the emulated APIs. */
  readonly faults: string
}

/** Reads the sandbox's tokens; makes them when there are none. */
export async function sandboxTokens(instance: Instance): Promise<Tokens> {
  const file = join(instance.directory, 'tokens.json')
  if (!existsSync(file)) {
    await mkdir(instance.directory, { recursive: true, mode: 0o700 })
    const random = (bytes: number) => randomBytes(bytes).toString('hex')
    const tokens: Tokens = {
      hetzner: random(32),
      cloudflare: random(20),
      hetznerReadOnly: random(32),
      cloudflareReadOnly: random(20),
      faults: random(32),
    }
    await writeFile(file, JSON.stringify(tokens), { mode: 0o600 })
  }
  return JSON.parse(await readFile(file, 'utf8'))
}
