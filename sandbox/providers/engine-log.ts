import { credentials } from '@grpc/grpc-js'
import engineServices from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import engineMessages from '@pulumi/pulumi/proto/engine_pb.js'

export interface EngineLog {
  /** Shows a line beside a resource, after those before it. */
  write(urn: string, line: string, severity: 'info' | 'warning'): void
  /** Resolves when every line so far has been taken. */
  drained(): Promise<void>
}

/** @param address of the engine's own service, as the engine passes it to its plugins */
export function connectEngineLog(address: string): EngineLog {
  const engine = new engineServices.EngineClient(address, credentials.createInsecure())
  let last = Promise.resolve()
  return {
    write(urn, line, severity) {
      const request = new engineMessages.LogRequest()
        .setSeverity(severity === 'info' ? engineMessages.LogSeverity.INFO : engineMessages.LogSeverity.WARNING)
        .setMessage(line)
        .setUrn(urn)
      // A line that cannot be shown must not fail the operation.
      last = last.then(() => new Promise((resolve) => engine.log(request, () => resolve())))
    },
    drained: () => last,
  }
}
