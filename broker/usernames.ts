const USERNAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

/** In words, for messages to people. */
export const usernameRule = '1 to 64 of the characters A-Z a-z 0-9 . _ @ -, beginning with a letter or a digit'

/**
 * Whether a name may be a user's. A name is also the first level of the user's topics, so it must not hold `/`, a wildcard,
 * a control character or a leading `$`.
 */
export function isUsername(name: string): boolean {
  return USERNAME.test(name)
}
