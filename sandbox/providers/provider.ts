import type { Properties } from './values.ts'

/** What an operation gets besides its resource's properties. */
export interface Context<Client> {
  readonly client: Client
  /** The resource's name in the program. */
  readonly name: string
  /** Aborted when the engine cancels or the resource's own time limit has passed. */
  readonly signal: AbortSignal
  /** Shows a line beside the resource. */
  log(line: string, severity?: 'info' | 'warning'): void
}

export interface Failure {
  readonly property: string
  readonly reason: string
}

export interface Created {
  readonly id: string
  readonly outputs: Properties
}

/** What an update has to go by: the inputs before and after, and the last known outputs. */
export interface Change {
  readonly id: string
  readonly before: Properties
  readonly after: Properties
  readonly outputs: Properties
}

/** One resource type. All properties come and go without secret marks: the server takes them off and puts them on. */
export interface Resource<Client> {
  /** Every input that is understood; another one is a mistake that is named. */
  readonly inputs: readonly string[]
  /** Inputs that only a replacement can change. */
  readonly forceNew: readonly string[]
  /** Outputs that are no inputs: unknown in the preview of a creation. */
  readonly computed: readonly string[]
  /** Those of them that an update may change as well. */
  readonly unstable?: readonly string[]
  readonly secretOutputs?: readonly string[]
  /** Secret as soon as one of these inputs is: output → inputs. */
  readonly derived?: Readonly<Record<string, readonly string[]>>
  /** What an input is when the program leaves it out. */
  readonly defaults?: Properties
  /** A missing `name` is made from the program's; a name given by hand makes replacements delete first. */
  readonly autoName?: boolean
  /** Inputs that cannot be read back. */
  readonly writeOnly?: readonly string[]
  /** Brings inputs that mean the same into the same form. */
  canonical?(inputs: Properties): Properties
  check?(inputs: Properties): Failure[]
  /** Paths that force a replacement though no input has changed. */
  expired?(outputs: Properties, inputs: Properties): string[]
  create(inputs: Properties, context: Context<Client>): Promise<Created>
  /** @returns null when the thing is gone; absent: nothing can change outside */
  read?(id: string, inputs: Properties, outputs: Properties, context: Context<Client>): Promise<Created | null>
  /** @returns the outputs; absent: the new inputs over the old outputs */
  update?(change: Change, context: Context<Client>): Promise<Properties>
  delete?(id: string, outputs: Properties, context: Context<Client>): Promise<void>
}

/** One provider: what `pulumi-resource-NAME` serves. */
export interface Provider<Client> {
  readonly name: string
  /** Of the genuine provider whose place it takes. */
  readonly version: string
  checkConfiguration?(configuration: Properties): Failure[]
  /** @throws Error when the configuration cannot work */
  configure(configuration: Properties): Client
  readonly resources: Readonly<Record<string, Resource<Client>>>
  readonly functions?: Readonly<
    Record<string, (parameters: Properties, client: Client, signal: AbortSignal) => Promise<Properties>>
  >
}

/** The thing exists, but something after its creation failed: it stays in the state, to be mended or removed. */
export class PartlyCreatedError extends Error {
  readonly id: string
  readonly outputs: Properties
  constructor(message: string, id: string, outputs: Properties) {
    super(message)
    this.id = id
    this.outputs = outputs
  }
}
