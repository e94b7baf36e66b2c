import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Logger } from 'pino'
import { type Broker, createBroker } from './broker.ts'
import type { Connection, Door } from './connection.ts'
import type { Credentials } from './credentials.ts'
import { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import { createListener } from './listeners.ts'
import { OpenedStore } from './opened-store.ts'
import { type Binding, type ListenerSettings, listenKey } from './settings.ts'
import type { Acknowledge, StoreUnusable } from './store/store.ts'
import { WaitingRoom } from './waiting-room.ts'

export interface ServiceOptions {
  readonly administrators: ReadonlySet<string>
  readonly listeners: readonly ListenerSettings[]
  readonly credentials: Credentials
  /** Where the store's file lies. */
  readonly stateDirectory: string
  readonly acknowledge: Acknowledge
  /** Told what is the matter with the store, and that it works again. */
  readonly onAlarm?: (sentence: string) => void
  readonly limits: Limits
  readonly logger: Logger
}

export interface Service {
  /** Where each listener listens, in the order of the settings. */
  readonly addresses: readonly { readonly door: Door; readonly host: string; readonly port: number }[]
  /**
   * Resolves if the store, which could not be opened at the start, could be now. The broker has served without it and must be
   * started again.
   */
  readonly storeIsBack: Promise<void>
  /** Stops accepting, takes leave of the clients, closes everything; takes no longer than the limit. */
  stop(): Promise<void>
}

/**
 * Starts the broker with all its listeners. Throws a sentence if an address cannot be listened on or the store is another
 * broker's, and leaves nothing open.
 */
export async function startService({ credentials, limits, logger, ...options }: ServiceOptions): Promise<Service> {
  const journal = new Journal(logger, limits)
  const { administrators, stateDirectory, acknowledge, onAlarm = () => {} } = options
  const { passwords } = credentials
  const store = new OpenedStore(stateDirectory, journal, acknowledge, onAlarm)
  let broker: Broker | undefined
  const waitingRoom = new WaitingRoom(limits)
  const servers: Server[] = []
  const sockets = new Set<Socket>()

  const stop = async () => {
    for (const server of servers) server.close()
    const timeout = new AbortController()
    const deadline = setTimeout(limits.shutdownTimeout, undefined, { signal: timeout.signal }).catch(() => {})
    await Promise.race([broker?.close(), deadline])
    // What was written last, a DISCONNECT, leaves before the end of the connection.
    await Promise.race([Promise.all([...sockets].map(finish)), deadline])
    timeout.abort()
    for (const socket of sockets) socket.destroy()
    await store.close()
  }

  try {
    const addresses = []
    // Who connects before the broker is there waits for it.
    const created = Promise.withResolvers<Broker>()
    const accept = (connection: Connection) => void created.promise.then((ready) => ready.accept(connection))
    for (const { door, binding } of options.listeners) {
      const server = createListener(door, { credentials, limits, waitingRoom, journal, accept })
      servers.push(server)
      server.on('connection', (socket: Socket) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      })
      addresses.push({ door, ...(await listen(server, door, binding)) })
    }
    const onUnusable = (error: StoreUnusable) => store.watch(error)
    broker = await createBroker({ administrators, passwords, limits, journal, store: store.store, onUnusable })
    created.resolve(broker)
    return { addresses, storeIsBack: store.isBack, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function listen(server: Server, door: Door, binding: Binding): Promise<{ host: string; port: number }> {
  try {
    server.listen(binding)
    await once(server, 'listening')
  } catch (error) {
    throw new Error(explain(error, door, binding))
  }
  const { address, port } = server.address() as AddressInfo
  return { host: address, port }
}

function explain(error: unknown, door: Door, binding: Binding): string {
  const key = listenKey(door)
  const code = error instanceof Error && 'code' in error ? error.code : String(error)
  if ('fd' in binding)
    return `The ${door} socket from systemd (descriptor ${binding.fd}) cannot be listened on: ${code}.`
  const { host, port } = binding
  const at = `${host.includes(':') ? `[${host}]` : host}:`
  const problem = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${code})`
  return `${key}: ${at}${port} ${problem}. Choose another address or port, for example ${key}=${at}${port + 10_000}`
}

async function finish(socket: Socket): Promise<void> {
  if (socket.destroyed) return
  const closed = once(socket, 'close')
  socket.end()
  await closed.catch(() => {})
}
