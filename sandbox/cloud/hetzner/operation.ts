import type { Action, Server } from '../state.ts'
import type { ResourceReference } from './actions.ts'
import type { Project } from './context.ts'
import { HetznerError } from './errors.ts'

type Status = Server['status']

interface Operation {
  readonly command: string
  /** What it is about beside the server. */
  readonly resources?: readonly ResourceReference[]
  /** Actions of their own that end with it. */
  readonly alongside?: readonly Action[]
  /** The server's status while it is under way; by default what it was. */
  readonly during?: Status
  /** By default what it was. */
  readonly succeeded?: Status
  /** By default what it was. */
  readonly failed?: Status
  /** Takes back what was changed when it began. */
  readonly undo?: () => void
}

/** Does something to a server as an action: locked until it has ended, its status told by the operation. */
export function operate(
  { store, actions, turns }: Project,
  server: Server,
  operation: Operation,
  work: () => Promise<void>,
): Action {
  const { command, resources = [], alongside = [] } = operation
  const before = server.status
  store.change(() => {
    server.locked = true
    server.status = operation.during ?? before
  })
  return actions.begin(
    command,
    [{ id: server.id, type: 'server' }, ...resources],
    () => turns.run(server.id, work),
    (failure) => {
      store.change(() => {
        if (failure !== undefined) operation.undo?.()
        server.locked = false
        server.status = (failure === undefined ? operation.succeeded : operation.failed) ?? before
      })
      for (const action of alongside) actions.finish(action, failure)
    },
  )
}

/** @throws HetznerError `locked` while an action is under way */
export function requireUnlocked({ id, locked }: Server) {
  if (locked) throw new HetznerError('locked', `server with ID '${id}' is locked: another action is under way`)
}

/** @throws HetznerError `protected` */
export function requireUnprotected(server: Server, what: 'deletion' | 'rebuild') {
  if (server.protected) throw new HetznerError('protected', `server ${what} is protected`)
}
