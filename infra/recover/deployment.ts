import { z } from 'zod'

/** A resource as the engine keeps it; what is not named here passes through untouched, secrets still encrypted. */
const resource = z.looseObject({
  urn: z.string(),
  type: z.string(),
  custom: z.boolean().default(false),
  id: z.string().optional(),
  inputs: z.record(z.string(), z.unknown()).default({}),
  outputs: z.record(z.string(), z.unknown()).optional(),
  delete: z.boolean().optional(),
  pendingReplacement: z.boolean().optional(),
})
const operation = z.looseObject({ type: z.string(), resource })
const exported = z.looseObject({
  deployment: z.looseObject({
    resources: z.array(resource).default([]),
    pending_operations: z.array(operation).default([]),
  }),
})

export type Exported = z.output<typeof exported>
export type StoredResource = z.output<typeof resource>

/** @param text what `pulumi stack export` prints */
export function parseExported(text: string): Exported {
  return exported.parse(JSON.parse(text))
}

/** What the engine was making when it was killed. */
export function begunCreations({ deployment }: Exported): StoredResource[] {
  const creating = deployment.pending_operations.filter(({ type }) => type === 'creating')
  return creating.map(({ resource }) => resource)
}

/** Whether something was taken into the state and never read: an earlier recovery was interrupted. */
export function hasUnread({ deployment }: Exported): boolean {
  return deployment.resources.some(
    // Providers are the engine's own, and are never read.
    ({ custom, type, id, outputs }) => custom && !type.startsWith('pulumi:') && id !== undefined && isEmpty(outputs),
  )
}

const isEmpty = (outputs: object | undefined) => Object.keys(outputs ?? {}).length === 0

/**
 * Types that are read as after an ordinary run, from what was asked for. An import by id would be wrong: the provider
 * does not read back a server's addresses and a volume's automount, takes them for changes, and then deletes the very
 * address that the server has (terraform-provider-hcloud, `updatePublicNet`), or cannot change them at all.
 */
const readFromInputs: ReadonlySet<string> = new Set([
  'hcloud:index/server:Server',
  'hcloud:index/volumeAttachment:VolumeAttachment',
])

/**
 * The state with what was begun and is there, each under its id, to be read by a refresh; nothing is pending in it.
 *
 * @param ids URN → what the provider imports by
 */
export function withAdopted(state: Exported, ids: ReadonlyMap<string, string>): Exported {
  const resources = [...state.deployment.resources]
  for (const begun of begunCreations(state)) {
    const id = ids.get(begun.urn)
    if (id === undefined) continue
    const outputs = readFromInputs.has(begun.type) ? { outputs: begun.inputs } : {}
    const place = resources.findIndex(({ urn, delete: condemned }) => urn === begun.urn && !condemned)
    const before = resources[place]
    // Of a replacement: the old one is gone already, or the engine goes on to delete it.
    const old = before && !before.pendingReplacement ? [{ ...before, delete: true }] : []
    const adopted = { ...begun, id, ...outputs }
    if (before) resources.splice(place, 1, adopted, ...old)
    else resources.push(adopted)
  }
  return { ...state, deployment: { ...state.deployment, resources, pending_operations: [] } }
}
