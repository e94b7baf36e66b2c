/** One wrong setting. */
export interface Mistake {
  /** The full key, `skerry:hostname`. */
  readonly key: string
  /** Continues the key to a sentence: `is "x"`. Never holds a secret. */
  readonly problem: string
  readonly allowed: string
  /** A command that mends it. */
  readonly command: string
}

const longestFound = 80

/** A configured value as a sentence can show it: quoted, printable, bounded. */
export function found(value: string): string {
  return JSON.stringify(value.length > longestFound ? `${value.slice(0, longestFound)}…` : value)
}

/** All mistakes as one text for a person: each with what is wrong, what is allowed, and a command. */
export function mistakesReport(mistakes: readonly Mistake[]): string {
  const count = mistakes.length === 1 ? 'One setting is' : `${mistakes.length} settings are`
  const entries = mistakes.map(
    ({ key, problem, allowed, command }) => `  ${key} ${problem}\n    allowed: ${allowed}\n    ${command}`,
  )
  return [`${count} wrong; nothing was changed.`, ...entries].join('\n\n')
}
