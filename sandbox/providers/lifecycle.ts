import { createHash, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type DifferenceKind, differences, isInternal, topOf } from './differences.ts'
import type { Failure, Resource } from './provider.ts'
import { isUnknown, list, type Properties, present, reveal, secretNames, text, unknownValue } from './values.ts'

/** Seven digits that a resource keeps through all tries of one update. */
function nameSuffix(seed: Uint8Array): string {
  const source = seed.length > 0 ? createHash('sha256').update(seed).digest() : randomBytes(4)
  return source.toString('hex').slice(0, 7)
}

/**
 * Fills in what the program left out and names every mistake.
 * @param before the inputs of the last update; empty when the resource is new
 */
export function checkInputs(
  resource: Pick<Resource<never>, 'inputs' | 'autoName' | 'defaults' | 'check'>,
  name: string,
  seed: Uint8Array,
  before: Properties,
  given: Properties,
): { inputs: Properties; failures: Failure[] } {
  const inputs = present(given)
  const filledIn: string[] = []
  if (resource.autoName && inputs.name === undefined) {
    const kept = list(before, '__defaults').includes('name') ? text(before, 'name') : undefined
    inputs.name = kept ?? `${name}-${nameSuffix(seed)}`
    filledIn.push('name')
  }
  for (const [key, value] of Object.entries(resource.defaults ?? {})) {
    if (inputs[key] !== undefined) continue
    inputs[key] = value
    filledIn.push(key)
  }
  const failures = Object.keys(inputs)
    .filter((key) => !isInternal(key) && !resource.inputs.includes(key))
    .map((property) => ({ property, reason: 'the stand-in does not know this property: install the genuine provider' }))
  failures.push(...(resource.check?.(inputs) ?? []))
  if (filledIn.length > 0) inputs.__defaults = filledIn
  return { inputs, failures }
}

export interface Difference {
  readonly kind: DifferenceKind
  readonly replace: boolean
  /** Whether an input differs, not an output. */
  readonly input: boolean
}

/** What an update would have to do. */
export function diffInputs(
  resource: Pick<Resource<never>, 'forceNew' | 'canonical' | 'expired' | 'autoName'>,
  before: Properties,
  after: Properties,
  outputs: Properties,
): { details: Map<string, Difference>; replaces: string[]; deleteBeforeReplace: boolean } {
  const details = new Map<string, Difference>()
  for (const [path, kind] of differences(before, after, resource.canonical)) {
    details.set(path, { kind, replace: resource.forceNew.includes(topOf(path)), input: true })
  }
  for (const path of resource.expired?.(outputs, after) ?? []) {
    details.set(path, { kind: 'update', replace: true, input: false })
  }
  const replaces = [...details].filter(([, difference]) => difference.replace).map(([path]) => topOf(path))
  // A name that the program gives can only be taken again once it is free.
  const deleteBeforeReplace = resource.autoName === true && !list(after, '__defaults').includes('name')
  return { details, replaces: [...new Set(replaces)], deleteBeforeReplace }
}

const withoutInternal = (properties: Properties) =>
  Object.fromEntries(Object.entries(properties).filter(([key]) => !isInternal(key)))

/** The outputs that the preview of a creation can tell. */
export function previewCreation(resource: Pick<Resource<never>, 'computed'>, inputs: Properties): Properties {
  const unknown = Object.fromEntries(resource.computed.map((name) => [name, unknownValue]))
  return { ...unknown, ...withoutInternal(inputs) }
}

/** The outputs that the preview of an update can tell. */
export function previewUpdate(
  resource: Pick<Resource<never>, 'inputs' | 'unstable'>,
  after: Properties,
  outputs: Properties,
): Properties {
  const kept = Object.entries(outputs).filter(([name]) => !resource.inputs.includes(name) || after[name] !== undefined)
  const unknown = Object.fromEntries((resource.unstable ?? []).map((name) => [name, unknownValue]))
  return { ...Object.fromEntries(kept), ...withoutInternal(after), ...unknown }
}

/**
 * The inputs as they would have to be given to get what was read: the old ones where nothing has changed, so that the
 * next preview shows drift and nothing else.
 */
export function readInputs(
  resource: Pick<Resource<never>, 'inputs' | 'writeOnly' | 'canonical'>,
  inputs: Properties,
  outputs: Properties,
): Properties {
  const canonical = resource.canonical ?? ((properties: Properties) => properties)
  const importing = Object.keys(inputs).length === 0
  const result = { ...inputs }
  const [expected, actual] = [canonical(inputs), canonical(outputs)]
  for (const name of resource.inputs) {
    if (resource.writeOnly?.includes(name) || outputs[name] === undefined) continue
    if (inputs[name] === undefined && !importing) continue
    if (!isDeepStrictEqual(expected[name], actual[name])) result[name] = outputs[name]
  }
  return result
}

/** Names of the outputs that are secret, given the inputs with their marks. */
export function secretOutputs(
  resource: Pick<Resource<never>, 'secretOutputs' | 'derived'>,
  markedInputs: Properties,
): string[] {
  const inputs = secretNames(markedInputs)
  const derived = Object.entries(resource.derived ?? {}).filter(([, sources]) =>
    sources.some((source) => inputs.includes(source)),
  )
  return [...inputs, ...(resource.secretOutputs ?? []), ...derived.map(([name]) => name)]
}

/** Whether a check can judge the property: it is there and already known. */
export function isKnown(properties: Properties, name: string): boolean {
  const value = properties[name]
  return value !== undefined && !isUnknown(reveal(value))
}
