import { credentials, Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js'
import providerServices from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import providerMessages from '@pulumi/pulumi/proto/provider_pb.js'
import statusMessages from '@pulumi/pulumi/proto/status_pb.js'
import { properties, struct } from './messages.ts'
import type { Provider } from './provider.ts'
import { serveProvider } from './server.ts'
import type { Properties } from './values.ts'

/** An error of a call; with what was created in part. */
export class CallError extends Error {
  readonly partly: { id: string; outputs: Properties } | undefined
  constructor(error: ServiceError) {
    super(error.details)
    const [packed] = error.metadata.get('grpc-status-details-bin')
    if (packed === undefined) return
    const [detail] = statusMessages.Status.deserializeBinary(Buffer.from(packed)).getDetailsList()
    const failed = providerMessages.ErrorResourceInitFailed.deserializeBinary(
      detail?.getValue_asU8() ?? new Uint8Array(),
    )
    this.partly = { id: failed.getId(), outputs: properties(failed.getProperties()) }
  }
}

export interface Diff {
  readonly changes: boolean
  readonly replaces: string[]
  readonly deleteBeforeReplace: boolean
  /** Path → kind, as the engine's enumeration spells it. */
  readonly details: Record<string, string>
}

const kindNames = Object.fromEntries(
  Object.entries(providerMessages.PropertyDiff.Kind).map(([name, value]) => [value, name]),
)

/** Drives one provider as the engine does: over gRPC. Properties carry their secret marks. */
export async function driveProvider<Client>(provider: Provider<Client>, type: string, configuration: Properties = {}) {
  const lines: string[] = []
  const log = { write: (_urn: string, line: string) => void lines.push(line), drained: async () => {} }
  const { implementation, stop } = serveProvider(provider, log)
  const server = new Server()
  server.addService(providerServices.ResourceProviderService, implementation)
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  const client = new providerServices.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure())
  const urn = `urn:pulumi:test::project::${type}::thing`

  const call = <Response>(send: (callback: (error: ServiceError | null, response: Response) => void) => unknown) =>
    new Promise<Response>((resolve, reject) => {
      send((error, response) => (error ? reject(new CallError(error)) : resolve(response)))
    })

  const failuresOf = (response: providerMessages.CheckResponse) =>
    response.getFailuresList().map((failure) => `${failure.getProperty()}: ${failure.getReason()}`)

  const driver = {
    lines,
    async checkConfig(values: Properties) {
      const request = new providerMessages.CheckRequest().setNews(struct(values))
      return failuresOf(await call((done) => client.checkConfig(request, done)))
    },
    configure: (values: Properties) =>
      call<providerMessages.ConfigureResponse>((done) =>
        client.configure(new providerMessages.ConfigureRequest().setArgs(struct(values)), done),
      ),
    async check(news: Properties, olds: Properties = {}) {
      const request = new providerMessages.CheckRequest().setUrn(urn).setNews(struct(news)).setOlds(struct(olds))
      request.setRandomseed(new Uint8Array([1, 2, 3]))
      const response = await call<providerMessages.CheckResponse>((done) => client.check(request, done))
      return { inputs: properties(response.getInputs()), failures: failuresOf(response) }
    },
    async diff(id: string, before: Properties, after: Properties, outputs: Properties = before): Promise<Diff> {
      const request = new providerMessages.DiffRequest().setId(id).setUrn(urn)
      request.setOlds(struct(outputs)).setOldInputs(struct(before)).setNews(struct(after))
      const response = await call<providerMessages.DiffResponse>((done) => client.diff(request, done))
      const details: Record<string, string> = {}
      response.getDetaileddiffMap().forEach((difference, path) => {
        details[path] = kindNames[difference.getKind()] ?? '?'
      })
      return {
        changes: response.getChanges() === providerMessages.DiffResponse.DiffChanges.DIFF_SOME,
        replaces: response.getReplacesList(),
        deleteBeforeReplace: response.getDeletebeforereplace(),
        details,
      }
    },
    async create(inputs: Properties, preview = false) {
      const request = new providerMessages.CreateRequest().setUrn(urn).setProperties(struct(inputs)).setPreview(preview)
      const response = await call<providerMessages.CreateResponse>((done) => client.create(request, done))
      return { id: response.getId(), outputs: properties(response.getProperties()) }
    },
    async read(id: string, inputs: Properties, outputs: Properties) {
      const request = new providerMessages.ReadRequest().setId(id).setUrn(urn)
      request.setInputs(struct(inputs)).setProperties(struct(outputs))
      const response = await call<providerMessages.ReadResponse>((done) => client.read(request, done))
      return {
        id: response.getId(),
        inputs: properties(response.getInputs()),
        outputs: properties(response.getProperties()),
      }
    },
    async update(id: string, before: Properties, after: Properties, outputs: Properties, preview = false) {
      const request = new providerMessages.UpdateRequest().setId(id).setUrn(urn).setPreview(preview)
      request.setOldInputs(struct(before)).setNews(struct(after)).setOlds(struct(outputs))
      const response = await call<providerMessages.UpdateResponse>((done) => client.update(request, done))
      return properties(response.getProperties())
    },
    async delete(id: string, outputs: Properties) {
      const request = new providerMessages.DeleteRequest().setId(id).setUrn(urn).setProperties(struct(outputs))
      await call((done) => client.delete(request, done))
    },
    async invoke(token: string, parameters: Properties) {
      const request = new providerMessages.InvokeRequest().setTok(token).setArgs(struct(parameters))
      const response = await call<providerMessages.InvokeResponse>((done) => client.invoke(request, done))
      return properties(response.getReturn())
    },
    stop,
    close() {
      stop()
      client.close()
      server.forceShutdown()
    },
  }
  await driver.configure(configuration)
  return driver
}
