import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hashPassword } from '../broker/passwords.ts'
import { sandboxFiles } from './files.ts'
import type { Instance } from './instance.ts'
import { randomPassword } from './password.ts'
import type { Report } from './progress.ts'
import type { Stack } from './stack.ts'

/** The one user with a password that a sandbox has, to try the broker with. */
export const tryUser = 'try'

/** Gives the stack its `try` user, once: the password goes into a file, its hash into the stack's settings. */
export async function ensureTryUser(instance: Instance, stack: Stack, report: Report): Promise<void> {
  const { tryPassword } = sandboxFiles(instance)
  if (existsSync(tryPassword)) return
  const password = randomPassword()
  const hash = await hashPassword(Buffer.from(password))
  await stack.run(['config', 'set', '--secret', '--path', `skerry:users.${tryUser}`], report, hash)
  await mkdir(dirname(tryPassword), { recursive: true, mode: 0o700 })
  await writeFile(tryPassword, password, { mode: 0o600 })
}
