import { ResourceHook, type ResourceHookArgs, type ResourceTransformation, runtime } from '@pulumi/pulumi'
import type { Settings, StackConfiguration } from '../settings.ts'
import { images } from '../settings-table.ts'
import { clientsOf } from './clients.ts'
import type { Cloudflare } from './cloudflare.ts'
import { Gathering } from './gathering.ts'
import type { Hetzner, Kind, Named } from './hetzner.ts'
import { dnsRecordType, kinds } from './kinds.ts'
import { nameTaken } from './names.ts'
import { judgeOrder, judgeType } from './offers.ts'
import { judgeRecord } from './records.ts'
import { all, fine, refused, type Verdict, warned } from './verdict.ts'

type Judge = (args: ResourceHookArgs) => Promise<Verdict>

/**
 * Looks before it leaps: what is about to be made or changed at Hetzner or Cloudflare is first held against what their
 * APIs say, also at preview, where nothing is made yet. The engine knows what is about to be made; an `up` that
 * changes nothing there asks nothing, and an unreachable API does not stand in its way.
 */
export class Preflight {
  readonly #settings: Settings
  readonly #hetzner: Hetzner
  readonly #cloudflare: Cloudflare
  readonly #gathering = new Gathering()
  #writing: Promise<void> | undefined
  #zone: Promise<Verdict> | undefined

  constructor(settings: Settings, configuration: StackConfiguration) {
    const { hetzner, cloudflare } = clientsOf(configuration)
    this.#settings = settings
    this.#hetzner = hetzner
    this.#cloudflare = cloudflare(settings.cloudflareZoneId)
  }

  /** For the options of a component: gives the resources below it their checks. */
  readonly transformation: ResourceTransformation = ({ type, name, props, opts }) => {
    const check = this.checkOf(type, name)
    if (!check) return undefined
    const hook = new ResourceHook(`check of ${type.split(':').at(-1)} ${name}`, check, { onDryRun: true })
    return { props, opts: { ...opts, hooks: { beforeCreate: [hook], beforeUpdate: [hook] } } }
  }

  /** What happens before a resource is made or changed: a refusal is an Error. Undefined where nothing is looked at. */
  checkOf(type: string, name: string): ((args: ResourceHookArgs) => Promise<void>) | undefined {
    const judge = this.#judgeOf(type, name)
    return judge && ((args) => this.#gathering.run(() => judge(args)))
  }

  #judgeOf(type: string, name: string): Judge | undefined {
    if (type === dnsRecordType) return (args) => this.#judgeRecord(args)
    const kind = kinds[type]
    if (!kind) return undefined
    return async (args) => {
      this.#writing ??= this.#hetzner.requireWriting()
      await this.#writing
      return all(
        kind === 'servers' ? this.#judgeServer(args) : fine,
        // The address fixes the location: whether a server is to be had there must be known before.
        name === 'ipv4' && !args.oldInputs ? this.#judgeOrder(this.#settings.location, true) : fine,
        kind === 'volumes' ? judgeSize(args) : fine,
        isNewName(args) ? this.#judgeName(kind, args) : fine,
      )
    }
  }

  async #judgeServer({ newInputs = {}, oldInputs }: ResourceHookArgs): Promise<Verdict> {
    const { serverType, architecture } = this.#settings
    const { location } = newInputs
    if (!oldInputs) {
      // While the address is only about to be made, the check that goes with it is enough.
      return typeof netOf(newInputs)?.ipv4 === 'number' ? this.#judgeOrder(location, false) : fine
    }
    if (oldInputs.serverType === serverType) return fine
    const types = await this.#hetzner.serverTypes()
    const before = types.find(({ name }) => name === oldInputs.serverType)
    if (before && before.architecture !== architecture) {
      return refused(
        `skerry:serverType is ${serverType} (${architecture}), and the server is a ${before.name} (${before.architecture}): a server keeps its architecture. For a new one with the same addresses, volume and certificates raise the generation too: pulumi config set skerry:generation ${this.#settings.generation + 1}`,
      )
    }
    return judgeType({ serverType, architecture, location, movable: false }, types)
  }

  async #judgeOrder(location: string, movable: boolean): Promise<Verdict> {
    const { serverType, image, architecture } = this.#settings
    const [types, offered] = await Promise.all([this.#hetzner.serverTypes(), this.#hetzner.images(architecture)])
    return judgeOrder({ serverType, image, architecture, location, movable }, types, offered, images)
  }

  async #judgeName(kind: Kind, { urn, newInputs = {} }: ResourceHookArgs): Promise<Verdict> {
    const found = await this.#hetzner.named(kind, String(newInputs.name))
    return !found || (kind === 'servers' && isReplaced(found, newInputs)) ? fine : refused(nameTaken(kind, found, urn))
  }

  async #judgeRecord(args: ResourceHookArgs): Promise<Verdict> {
    this.#zone ??= this.#judgeZone()
    const zone = await this.#zone
    if (zone.refusals || !isNewName(args)) return zone
    const { name, type, data } = args.newInputs ?? {}
    const wanted = { urn: args.urn, zoneId: this.#settings.cloudflareZoneId, name, type, issuer: data?.value }
    return all(zone, judgeRecord(wanted, await this.#cloudflare.records(name)))
  }

  async #judgeZone(): Promise<Verdict> {
    await this.#cloudflare.requireEditing()
    const zone = await this.#cloudflare.zone()
    const { hostname } = this.#settings
    if (!zone) return fine
    if (hostname !== zone.name && !hostname.endsWith(`.${zone.name}`)) {
      return refused(
        `skerry:hostname is ${hostname}, which does not belong to the zone ${zone.name} of skerry:cloudflareZoneId: change one of them.`,
      )
    }
    if (zone.status === 'active') return fine
    return warned(
      `The zone ${zone.name} is ${zone.status} at Cloudflare: nobody finds ${hostname}, the authority for the public certificate neither, until the domain's registrar names Cloudflare's name servers.`,
    )
  }
}

function isNewName({ newInputs, oldInputs }: ResourceHookArgs): boolean {
  return oldInputs?.name !== newInputs?.name
}

/**
 * Whether a preview has found the server that the new one is about to replace: it has our address, and it was finished or
 * is of another generation. One without a volume is the rest of an `up` that was killed, which the engine does not know.
 */
function isReplaced({ public_net, labels, volumes = [] }: Named, newInputs: Record<string, unknown>): boolean {
  const address = public_net?.ipv4?.id
  const isOurs = address !== undefined && address === netOf(newInputs)?.ipv4
  return runtime.isDryRun() && isOurs && (volumes.length > 0 || labels.generation !== generationOf(newInputs))
}

function generationOf({ labels }: Record<string, unknown>): unknown {
  return typeof labels === 'object' && labels !== null ? Reflect.get(labels, 'generation') : undefined
}

function netOf({ publicNets }: Record<string, unknown>): { readonly ipv4?: unknown } | undefined {
  return Array.isArray(publicNets) ? publicNets[0] : undefined
}

function judgeSize({ newInputs, oldInputs }: ResourceHookArgs): Verdict {
  if (!oldInputs || !newInputs || newInputs.size >= oldInputs.size) return fine
  return refused(
    `skerry:volumeSize is ${newInputs.size}, and the volume has ${oldInputs.size} GB: a volume can grow, never shrink. pulumi config set skerry:volumeSize ${oldInputs.size}`,
  )
}
