import { type Context, Hono } from 'hono'
import { ActionFailure, plannedFailure } from '../faults.ts'
import type { Action } from '../state.ts'
import type { CloudStore } from '../store.ts'
import { timestamp } from './context.ts'
import { HetznerError, invalidField } from './errors.ts'
import { byPath } from './input.ts'
import { listing } from './listing.ts'

export interface ResourceReference {
  readonly id: number
  readonly type: 'server' | 'firewall' | 'primary_ip' | 'volume'
}

/** Finished actions are forgotten beyond this many. */
const maximumActions = 1000

/** Most ids of one list request, as the API allows. */
const maximumIds = 50

/** Long-running operations: each is an object that clients poll. */
export class Actions {
  readonly #store: CloudStore

  constructor(store: CloudStore) {
    this.#store = store
  }

  /** Starts an action that somebody must end with `finish`. */
  start(command: string, resources: readonly ResourceReference[]): Action {
    return this.#store.change((state) => {
      const action: Action = {
        id: this.#store.nextId(),
        command,
        status: 'running',
        progress: 0,
        started: timestamp(),
        finished: null,
        resources: [...resources],
        error: null,
      }
      state.actions.push(action)
      while (state.actions.length > maximumActions) {
        const oldest = state.actions.findIndex(({ status }) => status !== 'running')
        if (oldest < 0) break
        state.actions.splice(oldest, 1)
      }
      return action
    })
  }

  /** Ends an action, well or with the failure's message. */
  finish(action: Action, failure?: unknown) {
    this.#store.change(() => {
      action.status = failure === undefined ? 'success' : 'error'
      action.progress = 100
      action.finished = timestamp()
      if (failure !== undefined) action.error = { code: codeOf(failure), message: messageOf(failure) }
    })
  }

  /** An action for what is already done when the answer is given. */
  done(command: string, resources: readonly ResourceReference[]): Action {
    const action = this.start(command, resources)
    this.finish(action, plannedFailure())
    return action
  }

  /**
   * An action that runs `work` after the answer was given and ends with it; a failure becomes the action's error.
   * @param ended is told the failure, or undefined, before the action shows it
   */
  begin(
    command: string,
    resources: readonly ResourceReference[],
    work: () => Promise<void>,
    ended: (failure?: unknown) => void = () => {},
  ): Action {
    const action = this.start(command, resources)
    const planned = plannedFailure()
    const end = (failure?: unknown) => {
      ended(failure)
      this.finish(action, failure)
    }
    // the answer shows the action as it began
    setImmediate(() => {
      if (planned) end(planned)
      else work().then(() => end(), end)
    })
    return action
  }
}

const codeOf = (failure: unknown) => (failure instanceof ActionFailure ? failure.code : 'action_failed')
const messageOf = (failure: unknown) => (failure instanceof Error ? failure.message : String(failure))

/** `GET /actions?id=…` and `GET /actions/:id`. */
export function actionRoutes(store: CloudStore): Hono {
  return new Hono()
    .get('/', (c) => {
      const wanted = requestedIds(c)
      const found = store.state.actions.filter(({ id }) => wanted.has(id))
      return listing(
        c,
        'actions',
        found,
        {
          id: ({ id }) => id,
          command: ({ command }) => command,
          status: ({ status }) => status,
          started: ({ started }) => started,
        },
        (action) => action,
      )
    })
    .get('/:id', (c) => c.json({ action: byPath(c, 'action', store.state.actions) }))
}

function requestedIds(c: Context): Set<number> {
  const texts = c.req.queries('id')
  if (!texts) {
    throw new HetznerError('deprecated_api_endpoint', 'listing all actions is no longer possible: name them by id', {
      announcement: 'https://docs.hetzner.cloud/changelog',
    })
  }
  if (texts.length > maximumIds) throw invalidField('id', `must not be given more than ${maximumIds} times`)
  const ids = texts.map(Number)
  if (!ids.every((id) => Number.isSafeInteger(id) && id > 0)) throw invalidField('id', 'must be a positive number')
  return new Set(ids)
}
