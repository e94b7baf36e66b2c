import type { Image, ServerType } from './hetzner.ts'
import { all, fine, refused, type Verdict, warned } from './verdict.ts'

export interface Order {
  readonly serverType: string
  readonly image: string
  readonly architecture: 'x86' | 'arm'
  readonly location: string
  /** Whether nothing is bound to the location yet, so that another one would do as well. */
  readonly movable: boolean
}

const mostAlternatives = 5

/**
 * Judges an order of a server by what the API says it has.
 *
 * @param supported names of the images that the settings allow
 */
export function judgeOrder(
  order: Order,
  types: readonly ServerType[],
  images: readonly Image[],
  supported: readonly string[],
): Promise<Verdict> {
  return all(judgeType(order, types), judgeImage(order, images, supported))
}

/** Judges the type alone, as for a server that is there and shall become another type. */
export function judgeType(order: Omit<Order, 'image'>, types: readonly ServerType[]): Verdict {
  const { serverType, location } = order
  const type = types.find(({ name }) => name === serverType)
  const refuse = (problem: string) =>
    refused([`skerry:serverType is ${serverType}, ${problem}`, ...alternatives(order, types)].join('\n'))
  if (!type) return refuse('which Hetzner Cloud does not have.')
  const there = type.locations.find(({ name }) => name === location)
  if (!there) return refuse(`which is not offered in ${location}.`)
  const end = there.deprecation?.unavailable_after
  if (end !== undefined && Date.parse(end) <= Date.now()) return refuse(`which is no longer sold in ${location}.`)
  if (!there.available) return refuse(`which is sold out in ${location}.`)
  if (end === undefined) return fine
  return warned(
    `skerry:serverType is ${serverType}, which Hetzner gives up: after ${end.slice(0, 10)} it cannot be ordered in ${location} any more.`,
  )
}

function judgeImage({ image, architecture }: Order, images: readonly Image[], supported: readonly string[]): Verdict {
  const found = images.find(({ name }) => name === image)
  if (found && !found.deprecated) return fine
  const usable = supported.filter((name) => images.some((other) => other.name === name && !other.deprecated))
  const problem = found ? 'which Hetzner gives up' : 'which Hetzner Cloud does not have'
  const commands = usable.map((name) => `  pulumi config set skerry:image ${name}`)
  return refused([`skerry:image is ${image}, ${problem} for ${architecture}.`, ...commands].join('\n'))
}

function alternatives(
  { serverType, architecture, location, movable }: Omit<Order, 'image'>,
  types: readonly ServerType[],
) {
  const here = types
    .filter((type) => (movable || type.architecture === architecture) && isSold(type, location))
    .sort((a, b) => monthly(a, location) - monthly(b, location))
    .slice(0, mostAlternatives)
    .map((type) => offer('serverType', type.name, type, location))
  const same = types.find(({ name }) => name === serverType)
  const elsewhere = movable && same ? same.locations.filter(({ name }) => isSold(same, name)) : []
  const there = elsewhere.map(({ name }) => offer('location', name, same as ServerType, name))
  return here.length + there.length > 0
    ? ['To be had now, with what the API says it costs a month, VAT included:', ...here, ...there]
    : ['Nothing else is to be had there now: try again later.']
}

function offer(setting: string, value: string, type: ServerType, location: string): string {
  return `  pulumi config set skerry:${setting} ${value.padEnd(6)} # ${type.name} in ${location}: ${monthly(type, location).toFixed(2)}`
}

function isSold(type: ServerType, location: string): boolean {
  return type.locations.some(({ name, available, deprecation }) => name === location && available && !deprecation)
}

function monthly({ prices }: ServerType, location: string): number {
  return Number(prices.find((price) => price.location === location)?.price_monthly.gross ?? Number.NaN)
}
