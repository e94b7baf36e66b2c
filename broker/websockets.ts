import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import websocketStream from 'websocket-stream'
import { addressGroup, forwardedAddress } from './addresses.ts'
import type { Connection, Door } from './connection.ts'
import type { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import type { WaitingRoom } from './waiting-room.ts'

interface WebSocketContext {
  readonly door: Extract<Door, 'ws' | 'wss'>
  readonly limits: Limits
  readonly waitingRoom: WaitingRoom
  readonly journal: Journal
  readonly accept: (connection: Connection) => void
}

type Visitor = Omit<Connection, 'stream'>
type ServerOptions = NonNullable<Parameters<typeof websocketStream.createServer>[0]>
type WebSocketStream = Duplex & {
  readonly socket: WebSocket
  readonly _readableState: { readonly length: number }
  readonly _writableState: { readonly length: number }
}
type WebSocket = InstanceType<typeof websocketStream.Server>['clients'] extends Set<infer Client> ? Client : never

const PATH = '/mqtt/'
/** [MQTT-6.0.0-3] */
const SUB_PROTOCOL = 'mqtt'
const UNSUPPORTED_DATA = 1003

/** Makes an HTTP(S) server take MQTT over WebSockets at `/mqtt/`, and nothing else. */
export function serveWebSockets<T extends Server>(server: T, context: WebSocketContext): T {
  const visitors = new WeakMap<IncomingMessage, Visitor>()
  server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(404, { connection: 'close' }).end()
  })
  const options: ServerOptions & { closeTimeout: number } = {
    server,
    path: PATH,
    maxPayload: context.limits.frameSize,
    closeTimeout: context.limits.closeTimeout,
    perMessageDeflate: false,
    handleProtocols: () => SUB_PROTOCOL,
    verifyClient: ({ req }, answer) => {
      const admitted = admit(req, context)
      if (typeof admitted === 'number') return answer(false, admitted)
      visitors.set(req, admitted)
      answer(true)
    },
  }
  websocketStream.createServer(
    options,
    // The type of the callback leaves out what it is called with.
    function accept(this: unknown, ...[stream, request]: [WebSocketStream?, IncomingMessage?]) {
      const visitor = request && visitors.get(request)
      if (!stream || !visitor) return
      showLengths(stream)
      holdBack(stream, context.limits)
      refuseText(stream.socket)
      context.accept({ ...visitor, stream })
    },
  )
  return server
}

/** Lets a request in, or gives the HTTP status that it is turned away with. */
function admit(request: IncomingMessage, { door, waitingRoom, journal }: WebSocketContext): Visitor | number {
  const offered = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? []
  // ws would let in a client that offers no sub-protocol at all.
  if (!offered.includes(SUB_PROTOCOL)) return 400
  // Only the proxy can speak on wss, and it always overwrites this header; on loopback anybody could make it up.
  const address = door === 'wss' ? forwardedAddress(request.headers['x-forwarded-for']) : request.socket.remoteAddress
  if (address === undefined) return 400
  const group = addressGroup(address)
  const leaveWaitingRoom = waitingRoom.enter(group)
  if (!leaveWaitingRoom) {
    journal.write('limited', { what: 'connections before login', door, address })
    return 503
  }
  request.socket.once('close', leaveWaitingRoom)
  return { door, address, addressGroup: group, leaveWaitingRoom }
}

/** The streams of readable-stream 2 do not tell how much they hold, and comparing with undefined would lift every limit. */
function showLengths(stream: WebSocketStream): void {
  Object.defineProperties(stream, {
    readableLength: { get: () => stream._readableState.length },
    writableLength: { get: () => stream._writableState.length },
  })
}

/** websocket-stream does not stop reading when nobody takes the bytes; without this a client could fill the memory. */
function holdBack(stream: WebSocketStream, limits: Limits): void {
  stream.socket.on('message', () => {
    if (stream.readableLength > limits.unreadBytes) stream.socket.pause()
  })
  const read = stream._read.bind(stream)
  stream._read = (size) => {
    stream.socket.resume()
    read(size)
  }
}

/** MQTT travels in binary messages only [MQTT-6.0.0-1]. */
function refuseText(socket: WebSocket): void {
  socket.prependListener('message', (_data: unknown, isBinary: boolean) => {
    if (!isBinary) socket.close(UNSUPPORTED_DATA)
  })
}
