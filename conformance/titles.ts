import type { Version } from './statements.ts'

/** What the name of a test says. */
interface Title {
  readonly ids: readonly string[]
  readonly version: Version
}

/** The name of a test: the statements that it shows, the version, and the behaviour. */
export function titleOf(ids: readonly string[], version: Version, behaviour: string): string {
  return `${ids.join(' ')} (${version}): ${behaviour}`
}

/** What a name says, undefined if it is not made like the others. */
export function readTitle(name: string): Title | undefined {
  const [, ids, version] = /^((?:MQTT-\S+ )+)\((3\.1\.1|5\.0)\): /.exec(name) ?? []
  if (ids === undefined || (version !== '3.1.1' && version !== '5.0')) return undefined
  return { ids: ids.trim().split(' '), version }
}
