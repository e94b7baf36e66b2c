import type { Scenario } from '../scenario.ts'
import { connections } from './connections.ts'
import { limitScenarios } from './limits.ts'
import { messages } from './messages.ts'
import { retained } from './retained.ts'
import { sessions } from './sessions.ts'
import { subscriptions } from './subscriptions.ts'
import { wills } from './wills.ts'

/** Everything that clients by others do with the broker, in the order of the table. */
export const scenarios: readonly Scenario[] = [
  ...connections,
  ...messages,
  ...subscriptions,
  ...retained,
  ...sessions,
  ...wills,
  ...limitScenarios,
]
