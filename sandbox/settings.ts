import { isDeepStrictEqual } from 'node:util'
import { parse, parseDocument } from 'yaml'
import { type Image, suites } from './machine/base.ts'

/**
 * Brings what changed in the checkout's settings into those of a standing stack, and leaves alone what was set there by
 * hand or by the engine (its salt, the users). All three are the YAML text of a stack's file.
 * @param standing the stack's file as it is now
 * @param earlier what the checkout said when it was last brought in
 * @param now what the checkout says now
 */
export function broughtIn(standing: string, earlier: string, now: string): string {
  const [before, after] = [parse(earlier)?.config ?? {}, parse(now)?.config ?? {}]
  const document = parseDocument(standing)
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (isDeepStrictEqual(before[key], after[key])) continue
    if (key in after) document.setIn(['config', key], after[key])
    else document.deleteIn(['config', key])
  }
  return document.toString()
}

/** @returns the image of the next server, by the YAML text of a stack's file; undefined where the sandbox has no such system */
export function imageIn(settings: string): Image | undefined {
  const image: unknown = parse(settings)?.config?.['skerry:image'] ?? 'debian-13'
  return Object.keys(suites).find((name): name is Image => name === image)
}
