import { credentials } from '@grpc/grpc-js'
import engineServices from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import engineMessages from '@pulumi/pulumi/proto/engine_pb.js'

/** Shows a line beside a resource. */
export type EngineLog = (urn: string, line: string, severity: 'info' | 'warning') => void

/** @param address of the engine's own service, as the engine passes it to its plugins */
export function connectEngineLog(address: string): EngineLog {
  const engine = new engineServices.EngineClient(address, credentials.createInsecure())
  return (urn, line, severity) => {
    const request = new engineMessages.LogRequest()
      .setSeverity(severity === 'info' ? engineMessages.LogSeverity.INFO : engineMessages.LogSeverity.WARNING)
      .setMessage(line)
      .setUrn(urn)
    // A line that cannot be shown must not fail the operation.
    engine.log(request, () => {})
  }
}
