import type { handleUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js'
import pluginMessages from '@pulumi/pulumi/proto/plugin_pb.js'
import providerMessages from '@pulumi/pulumi/proto/provider_pb.js'
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js'
import type { EngineLog } from './engine-log.ts'
import {
  checkInputs,
  type Difference,
  diffInputs,
  previewCreation,
  previewUpdate,
  readInputs,
  secretOutputs,
} from './lifecycle.ts'
import { callError, properties, struct } from './messages.ts'
import { type Context, type Failure, PartlyCreatedError, type Provider, type Resource } from './provider.ts'
import { conceal, type Properties, revealAll, secretNames } from './values.ts'

const { DiffChanges } = providerMessages.DiffResponse
const { Kind } = providerMessages.PropertyDiff

/** The gRPC service ResourceProvider for one provider's table of resources. */
export interface ProviderService {
  readonly implementation: UntypedServiceImplementation
  /** Aborts what is under way. */
  stop(): void
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME` */
function parseUrn(urn: string): { type: string; name: string } {
  const [, , types = '', ...name] = urn.split('::')
  return { type: types.split('$').at(-1) ?? types, name: name.join('::') }
}

function unary<Request, Response>(
  work: (request: Request) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return async (call, callback) => {
    try {
      callback(null, await work(call.request))
    } catch (error) {
      callback(callError(error))
    }
  }
}

const failureOf = ({ property, reason }: Failure) =>
  new providerMessages.CheckFailure().setProperty(property).setReason(reason)

function kindOf({ kind, replace }: Difference) {
  if (kind === 'add') return replace ? Kind.ADD_REPLACE : Kind.ADD
  if (kind === 'delete') return replace ? Kind.DELETE_REPLACE : Kind.DELETE
  return replace ? Kind.UPDATE_REPLACE : Kind.UPDATE
}

export function serveProvider<Client>(provider: Provider<Client>, engineLog: EngineLog): ProviderService {
  const stopping = new AbortController()
  let configured: { client: Client } | undefined

  const client = (): Client => {
    if (configured) return configured.client
    throw new Error(`The provider ${provider.name} has not been configured yet`)
  }
  const resourceOf = (urn: string): Resource<Client> => {
    const { type } = parseUrn(urn)
    const resource = provider.resources[type]
    if (resource) return resource
    throw new Error(`The stand-in for the provider ${provider.name} has no ${type}: install the genuine provider`)
  }
  const contextOf = (urn: string, timeout: number): Context<Client> => ({
    client: client(),
    name: parseUrn(urn).name,
    signal: timeout > 0 ? AbortSignal.any([stopping.signal, AbortSignal.timeout(timeout * 1000)]) : stopping.signal,
    log: (line, severity = 'info') => engineLog.write(urn, line, severity),
  })
  /** The answer comes after the last line of the operation's log. */
  const logged = <Request, Response>(work: (request: Request) => Promise<Response>) =>
    unary((request: Request) => work(request).finally(() => engineLog.drained()))
  /** Marks outputs as secret where the inputs are, where the resource says so, and where they have been before. */
  const concealed = (resource: Resource<Client>, outputs: Properties, ...marked: Properties[]) =>
    conceal(outputs, new Set(marked.flatMap((inputs) => secretOutputs(resource, inputs))))

  const implementation: UntypedServiceImplementation = {
    getPluginInfo: unary(() => new pluginMessages.PluginInfo().setVersion(provider.version)),

    getSchema: unary(() =>
      new providerMessages.GetSchemaResponse().setSchema(
        JSON.stringify({ name: provider.name, version: provider.version }),
      ),
    ),

    checkConfig: unary((request: providerMessages.CheckRequest) => {
      const failures = provider.checkConfiguration?.(revealAll(properties(request.getNews()))) ?? []
      return new providerMessages.CheckResponse().setInputs(request.getNews()).setFailuresList(failures.map(failureOf))
    }),

    configure: unary((request: providerMessages.ConfigureRequest) => {
      configured = { client: provider.configure(revealAll(properties(request.getArgs()))) }
      return new providerMessages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)
    }),

    invoke: unary(async (request: providerMessages.InvokeRequest) => {
      const work = provider.functions?.[request.getTok()]
      if (!work) throw new Error(`The stand-in for the provider ${provider.name} has no function ${request.getTok()}`)
      const result = await work(revealAll(properties(request.getArgs())), client(), stopping.signal)
      return new providerMessages.InvokeResponse().setReturn(struct(result))
    }),

    check: unary((request: providerMessages.CheckRequest) => {
      const resource = resourceOf(request.getUrn())
      const given = properties(request.getNews())
      const { name } = parseUrn(request.getUrn())
      const before = revealAll(properties(request.getOlds()))
      const { inputs, failures } = checkInputs(resource, name, request.getRandomseed_asU8(), before, revealAll(given))
      return new providerMessages.CheckResponse()
        .setInputs(struct(conceal(inputs, secretNames(given))))
        .setFailuresList(failures.map(failureOf))
    }),

    diff: unary((request: providerMessages.DiffRequest) => {
      const resource = resourceOf(request.getUrn())
      const outputs = revealAll(properties(request.getOlds()))
      const before = request.getOldInputs() ? revealAll(properties(request.getOldInputs())) : outputs
      const { details, replaces, deleteBeforeReplace } = diffInputs(
        resource,
        before,
        revealAll(properties(request.getNews())),
        outputs,
      )
      const response = new providerMessages.DiffResponse()
        .setChanges(details.size > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE)
        .setReplacesList(replaces)
        .setDeletebeforereplace(deleteBeforeReplace)
        .setHasdetaileddiff(true)
      for (const [path, difference] of details) {
        response.addDiffs(path)
        const message = new providerMessages.PropertyDiff().setKind(kindOf(difference)).setInputdiff(difference.input)
        response.getDetaileddiffMap().set(path, message)
      }
      return response
    }),

    create: logged(async (request: providerMessages.CreateRequest) => {
      const resource = resourceOf(request.getUrn())
      const marked = properties(request.getProperties())
      const inputs = revealAll(marked)
      const response = new providerMessages.CreateResponse()
      if (request.getPreview()) {
        return response.setProperties(struct(concealed(resource, previewCreation(resource, inputs), marked)))
      }
      try {
        const { id, outputs } = await resource.create(inputs, contextOf(request.getUrn(), request.getTimeout()))
        return response.setId(id).setProperties(struct(concealed(resource, outputs, marked)))
      } catch (error) {
        if (!(error instanceof PartlyCreatedError)) throw error
        throw new PartlyCreatedError(error.message, error.id, concealed(resource, error.outputs, marked))
      }
    }),

    read: unary(async (request: providerMessages.ReadRequest) => {
      const resource = resourceOf(request.getUrn())
      const [markedInputs, markedOutputs] = [properties(request.getInputs()), properties(request.getProperties())]
      const outputs = revealAll(markedOutputs)
      // Without outputs it is an import, which knows the id alone, as with the genuine providers.
      const inputs = Object.keys(outputs).length === 0 ? {} : revealAll(markedInputs)
      const found = resource.read
        ? await resource.read(request.getId(), inputs, outputs, contextOf(request.getUrn(), request.getTimeout()))
        : { id: request.getId(), outputs }
      const response = new providerMessages.ReadResponse()
      if (found === null) return response
      const newInputs = readInputs(resource, inputs, found.outputs)
      return response
        .setId(found.id)
        .setProperties(struct(concealed(resource, found.outputs, markedInputs, markedOutputs)))
        .setInputs(struct(conceal(newInputs, secretNames(markedInputs))))
    }),

    update: logged(async (request: providerMessages.UpdateRequest) => {
      const resource = resourceOf(request.getUrn())
      const marked = properties(request.getNews())
      const [after, outputs] = [revealAll(marked), revealAll(properties(request.getOlds()))]
      const before = revealAll(properties(request.getOldInputs()))
      const change = { id: request.getId(), before, after, outputs }
      const result =
        request.getPreview() || !resource.update
          ? previewUpdate(request.getPreview() ? resource : { inputs: resource.inputs }, after, outputs)
          : await resource.update(change, contextOf(request.getUrn(), request.getTimeout()))
      return new providerMessages.UpdateResponse().setProperties(struct(concealed(resource, result, marked)))
    }),

    delete: logged(async (request: providerMessages.DeleteRequest) => {
      const outputs = revealAll(properties(request.getProperties()))
      const context = contextOf(request.getUrn(), request.getTimeout())
      await resourceOf(request.getUrn()).delete?.(request.getId(), outputs, context)
      return new emptyMessages.Empty()
    }),

    cancel: unary(() => {
      stopping.abort(new Error('The update was cancelled'))
      return new emptyMessages.Empty()
    }),
  }
  return { implementation, stop: () => stopping.abort(new Error('The provider was stopped')) }
}
