import { isDeepStrictEqual } from 'node:util'
import { isArchive, isAsset, isObject, isUnknown, type Properties, type Value } from './values.ts'

export type DifferenceKind = 'add' | 'delete' | 'update'

/** Names that tell nothing about the resource: `__defaults` lists what the provider filled in. */
export const isInternal = (name: string) => name.startsWith('__')

function join(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  if (path === '') return key
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}["${key.replaceAll('"', '\\"')}"]`
}

/** Files count as equal by content, wherever they lie. */
function sameContent(before: Value, after: Value): boolean {
  if ((isAsset(before) && isAsset(after)) || (isArchive(before) && isArchive(after))) {
    if (!isObject(before) || !isObject(after)) return false
    if (before.hash && after.hash) return before.hash === after.hash
  }
  return !isUnknown(after) && isDeepStrictEqual(before, after)
}

function compare(
  path: string,
  before: Value | undefined,
  after: Value | undefined,
  found: Map<string, DifferenceKind>,
) {
  if ((before ?? null) === null) {
    if ((after ?? null) !== null) found.set(path, 'add')
    return
  }
  if ((after ?? null) === null) {
    found.set(path, 'delete')
    return
  }
  if (before === undefined || after === undefined || before === null || after === null) return
  if (sameContent(before, after)) return
  if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      compare(join(path, index), before[index], after[index], found)
    }
  } else if (isObject(before) && isObject(after) && !isAsset(before) && !isArchive(before)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(join(path, key), before[key], after[key], found)
    }
  } else {
    found.set(path, 'update')
  }
}

/**
 * What differs between two sets of inputs, by property path (`labels.generation`, `rules[0].port`).
 * @param canonical brings inputs that mean the same into the same form; names that are equal in it do not differ
 */
export function differences(
  before: Properties,
  after: Properties,
  canonical: (inputs: Properties) => Properties = (inputs) => inputs,
): Map<string, DifferenceKind> {
  const found = new Map<string, DifferenceKind>()
  const [canonicalBefore, canonicalAfter] = [canonical(before), canonical(after)]
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (isInternal(key)) continue
    const known = !isUnknown(after[key])
    if (known && isDeepStrictEqual(canonicalBefore[key] ?? null, canonicalAfter[key] ?? null)) continue
    compare(join('', key), before[key], after[key], found)
  }
  return found
}

/** The property at the top of a path: `rules[0].port` → `rules`. */
export const topOf = (path: string) => /^[^.[]*/.exec(path)?.[0] ?? path
