import type { Aedes, Client } from 'aedes'
import { innerBroker, innerClient } from './aedes-internals.ts'
import { Inlet } from './inlet.ts'
import type { Limits } from './limits.ts'
import { Outlet } from './outlet.ts'
import { guardParser } from './parser-guard.ts'

/**
 * Makes the broker's maps hold any client id; `constructor` or `__proto__` would end the process. Takes the end of sessions
 * away from aedes. Before `listen()`.
 */
export function mendBroker(broker: Aedes): void {
  const inner = innerBroker(broker)
  inner.clients = Object.create(null)
  inner.brokers = Object.create(null)
  // Its timers end with the process; the broker has its own, which is stored.
  inner.scheduleSessionExpiry = () => {}
}

export interface ClientMends {
  readonly limits: Limits
  /** Told why the broker ends the connection. */
  readonly onEnd: (reason: string) => void
  /** aedes has done with it, its will is published or waits. */
  readonly onLeft: () => void
  readonly onError: (error: Error) => void
}

/** Looks at all that comes from a new client and goes to it. Right after `handle()`. */
export function mendClient(client: Client, { limits, onEnd, onLeft, onError }: ClientMends): void {
  const inner = innerClient(client)
  inner.outlet = new Outlet({ client, limits, onEnd, onLeft, onError })
  const inlet = new Inlet(client, inner.outlet, limits)
  guardParser(client, limits, { judge: (packet) => inlet.judge(packet), onObjection: onEnd })
}
