/** Identities that the stack itself gives out; a password for one of them would be a second way to be it. */
const reserved = /^(?:admin|skerry-.*)$/

/** A user owns the topics below its name, so the name is one plain topic level. */
const userName = /^[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$/

/** PHC string format: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md */
const scryptHash = /^\$scrypt\$ln=\d{1,2},r=\d{1,2},p=\d{1,2}\$[A-Za-z0-9+/]{16,128}\$[A-Za-z0-9+/]{22,128}$/

/**
 * Judges one user of the settings; the sentence never shows the hash.
 *
 * @returns what is wrong, or undefined when the user is fine
 */
export function userMistake(name: string, hash: string): string | undefined {
  if (reserved.test(name)) return `the user name "${name}" is taken: the stack gives this identity a certificate`
  if (!userName.test(name)) {
    return `the user name ${JSON.stringify(name)} is not 1 to 64 letters, digits, dots, hyphens, underscores and @`
  }
  if (!scryptHash.test(hash)) return `the user "${name}" has something that is not a scrypt hash (not shown)`
  return undefined
}
