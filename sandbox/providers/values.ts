/** A property's value as the engine and a provider exchange it. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value }
export type Properties = { [key: string]: Value }

/** Keys and values by which Pulumi marks special values: sdk/go/common/resource/sig. */
const signature = {
  key: '4dabf18193072939515e22adb298388d',
  secret: '1b47061264138c4ac30d75fd1eb44270',
  asset: 'c44067f5952c0a294b673a41bacd8c17',
  archive: '0def7320c3a5731c473e5ecbe6d01bc7',
} as const

/** Stands for a string that is only known after the update: what a preview answers. */
export const unknownValue = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'
const unknownValues: ReadonlySet<Value> = new Set([
  unknownValue,
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7',
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421',
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2',
  '030794c1-ac77-496b-92df-f27374a8bd58',
  'e48ece36-62e2-4504-bad9-02848725956a',
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff',
])

export function isObject(value: Value | undefined): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSecret(value: Value): value is { value: Value } {
  return isObject(value) && value[signature.key] === signature.secret
}

/** Whether the value is a file or a text (an asset), not a directory (an archive). */
export function isAsset(value: Value | undefined): value is Properties {
  return isObject(value) && value[signature.key] === signature.asset
}

export function isArchive(value: Value | undefined): boolean {
  return isObject(value) && value[signature.key] === signature.archive
}

/** Whether any part of the value is known only after the update. */
export function isUnknown(value: Value | undefined): boolean {
  if (value === undefined) return false
  if (Array.isArray(value)) return value.some(isUnknown)
  if (isObject(value)) return Object.values(value).some(isUnknown)
  return unknownValues.has(value)
}

/** The value without its secret marks. */
export function reveal(value: Value): Value {
  if (isSecret(value)) return reveal(value.value)
  if (Array.isArray(value)) return value.map(reveal)
  if (isObject(value)) return revealAll(value)
  return value
}

export function revealAll(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, reveal(value)]))
}

function holdsSecret(value: Value): boolean {
  if (isSecret(value)) return true
  if (Array.isArray(value)) return value.some(holdsSecret)
  return isObject(value) && Object.values(value).some(holdsSecret)
}

/** Names of the properties that are secret, in whole or in part. */
export function secretNames(properties: Properties): string[] {
  return Object.keys(properties).filter((key) => holdsSecret(properties[key] ?? null))
}

/** Marks the named properties as secrets. */
export function conceal(properties: Properties, names: Iterable<string>): Properties {
  const result = { ...properties }
  for (const name of names) {
    const value = result[name]
    if (value !== undefined && !isSecret(value)) result[name] = { [signature.key]: signature.secret, value }
  }
  return result
}

/** The entries of the properties that are set: neither absent nor null. */
export function present(properties: { readonly [key: string]: Value | undefined }): Properties {
  const result: Properties = {}
  for (const [key, value] of Object.entries(properties)) {
    if (value !== undefined && value !== null) result[key] = value
  }
  return result
}

/** @throws Error when the property is there and is no text */
export function text(properties: Properties, name: string): string | undefined {
  const value = properties[name] ?? undefined
  if (value === undefined || typeof value === 'string') return value
  throw new Error(`The property "${name}" must be a text`)
}

/** @throws Error when the property is missing or no text */
export function requiredText(properties: Properties, name: string): string {
  const value = text(properties, name)
  if (value === undefined) throw new Error(`The property "${name}" is missing`)
  return value
}

/** A number, also given as its digits, as configuration gives it; undefined when absent. */
export function number(properties: Properties, name: string): number | undefined {
  const value = properties[name]
  if (value === undefined || value === null || value === '') return undefined
  const result = Number(value)
  if (Number.isNaN(result)) throw new Error(`The property "${name}" must be a number`)
  return result
}

/** A list; empty when absent. */
export function list(properties: Properties, name: string): Value[] {
  const value = properties[name]
  return Array.isArray(value) ? value : []
}
