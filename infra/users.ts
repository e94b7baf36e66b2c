import { parsePasswordHash } from '../broker/passwords.ts'
import { isUsername, usernameRule } from '../broker/usernames.ts'

/** Identities that the stack itself gives out; a password for one of them would be a second way to be it. */
const reserved = /^(?:admin|skerry-.*)$/

/**
 * Judges one user of the settings by the broker's own rules; the sentence never shows the hash.
 *
 * @returns what is wrong, or undefined when the user is fine
 */
export function userMistake(name: string, hash: string): string | undefined {
  if (reserved.test(name)) return `the user name "${name}" is taken: the stack gives this identity a certificate`
  if (!isUsername(name)) return `the user name ${JSON.stringify(name)} is not ${usernameRule}`
  if (!parsePasswordHash(hash)) return `the user "${name}" has something that is not a scrypt hash (not shown)`
  return undefined
}
