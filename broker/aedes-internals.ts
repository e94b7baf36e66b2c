import type { EventEmitter } from 'node:events'
import type { Aedes, Client, PublishPacket } from 'aedes'
import type { IConnectPacket, Packet } from 'mqtt-packet'
import type { Outlet } from './outlet.ts'
import type { Will } from './store/wills.ts'
import type { Subscribing } from './subscribing.ts'

interface UnparsedBytes {
  readonly length: number
  slice(start: number, end: number): Buffer
  shallowSlice(start: number, end: number): UnparsedBytes
}

/** The parser of mqtt-packet 9.0.2, and what its types do not tell. */
interface Parser extends EventEmitter {
  /** The packet of which a part was read; `length` is what its fixed header announced, -1 before that. */
  readonly packet: { readonly cmd: string; readonly qos: number; readonly dup: boolean; readonly length: number }
  /** The bytes that were not parsed yet. */
  _list: UnparsedBytes
  /** The CONNECT, once it was parsed. */
  readonly settings: { readonly protocolVersion?: number }
  /** The steps of `parse`, each as soon as its bytes may be there; false if they are not. */
  _parseLength(): boolean
  _parsePayload(): boolean
  parse(bytes: Buffer): number
  on(event: 'packet', listener: (packet: Packet) => void): this
  on(event: 'error', listener: (error: Error) => void): this
}

/** What aedes 2.0.0-beta.1 has and its types do not tell. The version is pinned because of this file. */
export interface InnerClient extends Omit<Client, 'clean'> {
  /** Whether the session ends with the connection, so that aedes stores nothing of it. */
  clean: boolean
  readonly _parser: Parser
  /** Calls back when the socket can take more, or with an error; ends the connection if that takes too long. */
  waitForDrain(done: (error: Error | null) => void): void
  /** Patched in: what aedes sends and how it hangs up goes through here. */
  outlet: Outlet
  /** What CONNACK tells instead of the keep alive that was asked for, seconds. */
  _serverKeepAlive?: number
  readonly _cleanStart?: boolean
  readonly _will?: IConnectPacket['will'] | null
}

export interface InnerBroker extends Aedes {
  clients: Record<string, Client>
  brokers: Record<string, never>
  /** Patched in: answers SUBSCRIBE and UNSUBSCRIBE. */
  subscribing: Subscribing
  scheduleSessionExpiry(client: Client): void
  /** Called when a connection has ended that leaves a will: at once, or after a delay in seconds. */
  publishWill(client: Client, will: Will): void
  scheduleWill(client: Client, will: Will, delaySeconds: number): void
  publish(packet: PublishPacket, done: (error?: Error) => void): void
  publish(packet: PublishPacket, client: Client | null, done: (error?: Error) => void): void
}

export function innerClient(client: Client): Client & InnerClient {
  return client as Client & InnerClient
}

export function innerBroker(broker: Aedes): InnerBroker {
  return broker as InnerBroker
}
