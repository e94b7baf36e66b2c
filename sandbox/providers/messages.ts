import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import providerMessages from '@pulumi/pulumi/proto/provider_pb.js'
import statusMessages from '@pulumi/pulumi/proto/status_pb.js'
import anyMessages from 'google-protobuf/google/protobuf/any_pb.js'
import structMessages from 'google-protobuf/google/protobuf/struct_pb.js'
import { PartlyCreatedError } from './provider.ts'
import type { Properties } from './values.ts'

/** Properties of a message; the generated conversion says `any JSON value`, which is what properties are. */
export function properties(message: structMessages.Struct | undefined): Properties {
  return (message?.toJavaScript() ?? {}) as Properties
}

export function struct(values: Properties): structMessages.Struct {
  return structMessages.Struct.fromJavaScript(values)
}

/**
 * An error as a gRPC answer. What was created in part travels in the details, so that the engine keeps it in the state:
 * Go packs them into the metadata, and the generated code for Node leaves that to its user.
 */
export function callError(error: unknown): Partial<ServiceError> {
  const message = error instanceof Error ? error.message : String(error)
  const metadata = new Metadata()
  if (error instanceof PartlyCreatedError) {
    const failure = new providerMessages.ErrorResourceInitFailed()
      .setId(error.id)
      .setProperties(struct(error.outputs))
      .setReasonsList([message])
    const details = new anyMessages.Any()
    details.pack(failure.serializeBinary(), 'pulumirpc.ErrorResourceInitFailed')
    const answer = new statusMessages.Status()
    answer.setCode(status.UNKNOWN)
    answer.setMessage(message)
    answer.addDetails(details)
    metadata.add('grpc-status-details-bin', Buffer.from(answer.serializeBinary()))
  }
  return { code: status.UNKNOWN, details: message, metadata }
}
