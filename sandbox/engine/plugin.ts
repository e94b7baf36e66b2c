import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js'

/** What the engine itself allows; a stack's whole configuration or a file may come in one message. */
const largestMessage = 400 * 1024 * 1024
const parentCheckInterval = 1_000
const shutdownLimit = 5_000

/** Calls back once when the process that started this one has ended: a plugin must not outlive its engine. */
function onOrphaned(orphaned: () => void): void {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    orphaned()
  }, parentCheckInterval).unref()
}

/**
 * Serves a plugin as the engine expects it: on a port of its own choice, printed as the first line of stdout. Ends on
 * SIGINT, SIGTERM and when the engine is gone.
 * @param stop ends what is under way
 */
export function servePlugin(
  service: ServiceDefinition,
  implementation: UntypedServiceImplementation,
  stop: () => void,
): void {
  const server = new Server({ 'grpc.max_receive_message_length': largestMessage })
  server.addService(service, implementation)
  const end = () => {
    stop()
    // What is under way ends by itself now, and cleans up.
    server.tryShutdown(() => process.exit(0))
    setTimeout(() => process.exit(0), shutdownLimit).unref()
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  onOrphaned(end)
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) {
      console.error(`No port on 127.0.0.1 could be opened for the plugin: ${error.message}`)
      process.exit(1)
    }
    process.stdout.write(`${port}\n`)
  })
}
