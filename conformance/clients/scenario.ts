import type { Ability } from './blind-spots.ts'
import type { Version } from './protocol.ts'
import type { Stage } from './stage.ts'

/** What must be seen when any client library does this with the broker. */
export interface Scenario {
  readonly name: string
  /** Where it exists; both unless named. */
  readonly versions?: readonly Version[]
  /** What a client must be able to do and see for this to mean anything. */
  readonly needs?: readonly Ability[]
  /** @throws Error about the first thing that was not as it must be */
  run(stage: Stage): Promise<void>
}
