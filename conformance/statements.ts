import { readFileSync } from 'node:fs'

/** As the standards are called; 3.1.1 is protocol level 4 on the wire. */
export type Version = '3.1.1' | '5.0'

/** One numbered statement of a standard. */
export interface Statement {
  readonly version: Version
  /** As the standard prints it, misprints included. */
  readonly id: string
  /** Whether a server can break it so that its clients see it. */
  readonly isBreakable: boolean
  readonly subject: string
}

/** All numbered statements of MQTT 3.1.1 (OASIS Standard) and 5.0, in their order. */
export const statements: readonly Statement[] = readFileSync(new URL('statements.tsv', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [version, id, isBreakable, subject] = line.split('\t')
    if ((version !== '3.1.1' && version !== '5.0') || !id || !subject) {
      throw new Error(`conformance/statements.tsv: this line is not a statement: ${line}`)
    }
    return { version, id, isBreakable: isBreakable === 'yes', subject }
  })

/** Whether a statement belongs to a section such as `3.1` or `3.1.2`. */
export function isInSection({ id }: Statement, section: string): boolean {
  const number = id.replace(/^MQTT-/, '')
  return number.startsWith(section) && /^$|^[.-]/.test(number.slice(section.length))
}
