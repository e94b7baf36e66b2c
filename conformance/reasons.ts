import type { Version } from './statements.ts'

/** Why there is no test for a statement that a server can break: reviewed, a sentence each. */
export const reasons: Readonly<Record<Version, Readonly<Record<string, string>>>> = {
  '3.1.1': {},
  '5.0': {},
}
