import type { Duplex } from 'node:stream'
import type { User } from './rights.ts'

/** The ways in. `ws` is for development only. */
export type Door = 'mqtt' | 'mqtts' | 'wss' | 'ws'

/** What is known about a connection besides its bytes. */
export interface Connection {
  readonly stream: Duplex
  readonly door: Door
  readonly address: string
  readonly addressGroup: string
  /** The common name of the client certificate, where the door asks for one. */
  readonly certificateUsername?: string
  /** Gives back the place among those who have not logged in. */
  readonly leaveWaitingRoom: () => void
  /** Set by the login. */
  user?: User
  /** Why the connection ended, if anything is known. */
  reason?: string
}
