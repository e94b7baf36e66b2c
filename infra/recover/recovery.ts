import { type Clients, clientsOf } from '../preflight/clients.ts'
import { begunCreations, hasUnread, parseExported, type StoredResource, withAdopted } from './deployment.ts'
import { configurationOf, type Engine, required } from './engine.ts'
import { find, isOutside } from './finding.ts'
import { free, requireFree } from './lock.ts'
import { LockedError } from './locked-error.ts'

interface Recovery {
  readonly engine: Engine
  /** Environment variables, for the providers' tokens and addresses. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Tells a person one thing, a line or more. */
  readonly say: (text: string) => void
  /** Asks a person something that is answered by yes or no. */
  readonly consent: (question: string) => Promise<boolean>
}

/**
 * Puts a stack's state in order after an `up` that was killed, wherever it was: frees the stack, takes what was being
 * made and is there into the state, and reads everything anew. May be killed itself, and run again.
 *
 * @throws Error in plain words; what has been done until then stays right
 */
export async function recover(recovery: Recovery): Promise<void> {
  try {
    await putInOrder(recovery)
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
    await free(recovery, error)
    await putInOrder(recovery)
  }
}

async function putInOrder({ engine, environment, say }: Recovery): Promise<void> {
  const before = parseExported(await required(engine, ['stack', 'export']))
  await requireFree(engine, before.deployment.resources[0]?.urn)
  // Nobody else changes it from here on, or the next command of the engine says so.
  const state = parseExported(await required(engine, ['stack', 'export']))
  const { pending_operations: pending } = state.deployment
  if (pending.length === 0 && !hasUnread(state)) {
    say('Nothing is pending: the state is in order.')
    return
  }
  const begun = begunCreations(state)
  const ids = new Map<string, string>()
  if (begun.some(({ type }) => isOutside(type))) {
    const clients = clientsOf({ values: await configurationOf(engine), environment })
    for (const resource of begun) await take(resource, clients, ids, say)
  }
  for (const { type, resource } of pending) {
    if (type !== 'creating') say(`${named(resource)}: was ${type}, read anew`)
    else if (!isOutside(resource.type))
      say(`${named(resource)}: is nowhere but in the state, made again by the next up`)
  }
  if (pending.length > 0) {
    await required(engine, ['stack', 'import'], JSON.stringify(withAdopted(state, ids)))
  }
  say('Reading what there is …')
  await required(engine, ['refresh', '--yes', '--skip-preview', '--suppress-outputs'])
  const after = parseExported(await required(engine, ['stack', 'export']))
  if (after.deployment.pending_operations.length > 0 || hasUnread(after)) {
    throw new Error('Something is pending still: another update has run meanwhile. Run this again when it has ended.')
  }
  say('The state is in order.')
}

async function take(resource: StoredResource, clients: Clients, ids: Map<string, string>, say: Recovery['say']) {
  if (!isOutside(resource.type)) return
  const finding = await find(resource, clients)
  if ('missing' in finding) {
    say(`${named(resource)}: ${finding.missing}`)
    return
  }
  ids.set(resource.urn, finding.id)
  say(`${named(resource)}: is there (id ${finding.id.split('/').at(-1)}), taken into the stack`)
}

/** `hcloud:index/primaryIp:PrimaryIp` named ipv4 → `PrimaryIp ipv4` */
function named({ type, urn }: StoredResource): string {
  return `${type.split(':').at(-1)} ${urn.split('::').at(-1)}`
}
