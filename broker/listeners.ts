import { constants, type X509Certificate } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { addressGroup, plainAddress } from './addresses.ts'
import { certificateUsername } from './certificates.ts'
import type { Connection, Door } from './connection.ts'
import type { Credentials } from './credentials.ts'
import type { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import type { WaitingRoom } from './waiting-room.ts'
import { serveWebSockets } from './websockets.ts'

/** What every listener needs: whom to hand its connections to, and what bounds them. */
export interface ListenerContext {
  readonly credentials: Credentials
  readonly limits: Limits
  readonly waitingRoom: WaitingRoom
  readonly journal: Journal
  readonly accept: (connection: Connection) => void
}

const KEEP_ALIVE_DELAY = 60_000

/** A server for one door, not listening yet. */
export function createListener(door: Door, context: ListenerContext): Server {
  const server = createServer(door, context)
  server.maxConnections = context.limits.connectionsPerListener
  server.on('drop', () => context.journal.write('limited', { what: 'connections', door }))
  return server
}

function createServer(door: Door, context: ListenerContext): Server {
  const { limits } = context
  // A client that vanished without a word is found by the kernel, whatever its MQTT keep alive.
  const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY }
  const httpOptions = { ...socketOptions, headersTimeout: limits.connectTimeout, requestTimeout: limits.connectTimeout }
  switch (door) {
    case 'mqtt':
      return createPlainListener(createTcpServer(socketOptions), context)
    case 'mqtts':
      return createTlsListener(createTlsServer({ ...socketOptions, ...tlsOptions(context) }), context)
    case 'ws':
      return serveWebSockets(createHttpServer(httpOptions), { ...context, door })
    case 'wss': {
      const server = createHttpsServer({ ...httpOptions, ...tlsOptions(context) })
      admitProxyOnly(server, context)
      reportFailedHandshakes(server, 'wss', context)
      return serveWebSockets(server, { ...context, door })
    }
  }
}

function createPlainListener(server: Server, context: ListenerContext): Server {
  server.on('connection', (socket: Socket) => {
    const visitor = receive(socket, 'mqtt', context)
    if (visitor) context.accept(visitor)
  })
  return server
}

function createTlsListener(server: Server, context: ListenerContext): Server {
  // A place is taken when the TCP connection opens: handshakes are dear. The TLS socket shares its address and port.
  const places = new Map<string, Connection>()
  server.on('connection', (socket: Socket) => {
    const visitor = receive(socket, 'mqtts', context)
    if (!visitor) return
    const name = endpoint(socket)
    places.set(name, visitor)
    socket.once('close', () => places.delete(name))
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    const visitor = places.get(endpoint(socket))
    const certificate = socket.getPeerX509Certificate()
    if (!visitor || !certificate) return void socket.destroy()
    const identity = certificateUsername(certificate, context.credentials.proxyCertificate)
    if ('username' in identity) {
      return context.accept({ ...visitor, stream: socket, certificateUsername: identity.username })
    }
    context.journal.write('refused', { door: 'mqtts', address: visitor.address, reason: identity.refused })
    socket.destroy()
  })
  reportFailedHandshakes(server, 'mqtts', context)
  return server
}

/** Nobody but the proxy may speak on 7443, so that nobody on this machine can make up a client's address. */
function admitProxyOnly(server: Server, { credentials, journal }: ListenerContext): void {
  const isProxy = (certificate: X509Certificate | undefined) =>
    certificate !== undefined && credentials.proxyCertificate?.raw.equals(certificate.raw) === true
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (isProxy(socket.getPeerX509Certificate())) return
    journal.write('refused', { door: 'wss', address: addressOf(socket), reason: "not the proxy's certificate" })
    socket.destroy()
  })
}

function reportFailedHandshakes(server: Server, door: Door, { journal }: ListenerContext): void {
  server.on('tlsClientError', (error: Error & { code?: string }, socket: TLSSocket) => {
    journal.write('refused', { door, address: addressOf(socket), reason: `TLS: ${error.code ?? error.message}` })
  })
}

function receive(
  socket: Socket,
  door: Door,
  { limits, waitingRoom, journal }: ListenerContext,
): Connection | undefined {
  // Sockets that are thrown away here may still fail, and nobody else listens to that.
  socket.on('error', () => {})
  if (socket.remoteAddress === undefined) return void socket.destroy()
  const address = plainAddress(socket.remoteAddress)
  const group = addressGroup(address)
  const leaveWaitingRoom = waitingRoom.enter(group)
  if (!leaveWaitingRoom) {
    journal.write('limited', {
      what: 'connections before login',
      door,
      address,
      limit: limits.waitingConnectionsPerAddress,
    })
    return void socket.destroy()
  }
  socket.once('close', leaveWaitingRoom)
  return { stream: socket, door, address, addressGroup: group, leaveWaitingRoom }
}

/** Undefined when the other end has gone already. */
function addressOf({ remoteAddress }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : plainAddress(remoteAddress)
}

function endpoint(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

function tlsOptions({ credentials, limits }: ListenerContext): TlsOptions {
  return {
    cert: credentials.certificate,
    key: credentials.privateKey,
    ca: credentials.authorities,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.handshakeTimeout,
    // A resumed session would be let in without its certificate being looked at again.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}
