import type { Action, Server } from '../state.ts'
import type { Project } from './context.ts'
import { HetznerError } from './errors.ts'

type Status = Server['status']

interface Outcome {
  /** While it is under way; by default what it was. */
  readonly during?: Status
  /** By default what it was. */
  readonly succeeded?: Status
  readonly failed: Status
}

/** Does something to a server as an action: locked until it has ended, its status told by the outcome. */
export function operate(
  { store, actions, turns }: Project,
  server: Server,
  command: string,
  outcome: Outcome,
  work: () => Promise<void>,
): Action {
  const before = server.status
  store.change(() => {
    server.locked = true
    server.status = outcome.during ?? before
  })
  const end = (status: Status) =>
    store.change(() => {
      server.locked = false
      server.status = status
    })
  return actions.begin(command, [{ id: server.id, type: 'server' }], async () => {
    try {
      await turns.run(server.id, work)
      end(outcome.succeeded ?? before)
    } catch (error) {
      end(outcome.failed)
      throw error
    }
  })
}

/** @throws HetznerError `locked` while an action is under way */
export function requireUnlocked({ id, locked }: Server) {
  if (locked) throw new HetznerError('locked', `server with ID '${id}' is locked: another action is under way`)
}

/** @throws HetznerError `protected` */
export function requireUnprotected(server: Server, what: 'deletion' | 'rebuild') {
  if (server.protected) throw new HetznerError('protected', `server ${what} is protected`)
}
