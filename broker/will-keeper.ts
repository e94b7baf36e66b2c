import type { Aedes, Client } from 'aedes'
import { innerBroker } from './aedes-internals.ts'
import type { AedesPersistence } from './aedes-persistence.ts'
import type { OwnedWill, Will } from './store/wills.ts'

export interface WillKeeperOptions {
  readonly aedes: Aedes
  readonly persistence: AedesPersistence
  /** Whether a user may publish a will, at the time when it is published. */
  readonly mayPublish: (will: Will, username: string) => boolean
}

/** Publishes the wills of clients when their time has come. aedes would forget those that wait when the process ends. */
export class WillKeeper {
  readonly #options: WillKeeperOptions

  constructor(options: WillKeeperOptions) {
    this.#options = options
    const { aedes, persistence } = options
    const inner = innerBroker(aedes)
    inner.publishWill = (client, will) => this.#publish(persistence.willOf(client.id), client, will)
    inner.scheduleWill = (client, _will, delaySeconds) => {
      persistence.delayWill(client.id, Date.now() + delaySeconds * 1000)
    }
  }

  /** Those whose delay is over. */
  publishDue(): void {
    for (const owned of this.#options.persistence.dueWills(Date.now())) this.#publish(owned, null, owned.will)
  }

  /** The session of a client id has ended, and nothing is left to wait for [MQTT-3.1.2-8]. */
  sessionEnded(clientId: string): void {
    const owned = this.#options.persistence.endWill(clientId)
    if (owned) this.#publish(owned, null, owned.will)
  }

  /** A client is back in its session before the delay was over: it has left no will [MQTT-3.1.3-9]. */
  sessionResumed(clientId: string): void {
    const owned = this.#options.persistence.endWill(clientId)
    if (owned) void this.#options.persistence.delWill({ id: clientId })
  }

  #publish(owned: OwnedWill | undefined, client: Client | null, will: Will): void {
    const { aedes, persistence, mayPublish } = this.#options
    // What was taken back, or belongs to a later connection.
    if (owned?.will !== will) return
    if (!mayPublish(will, owned.username)) {
      void persistence.delWill({ id: will.clientId ?? '' })
      return
    }
    // It belongs to the will, not to the message that the will becomes.
    delete will.properties?.willDelayInterval
    const { qos = 0, retain = false } = will
    // The very object that is stored, so that it is taken out of the store together with its publication.
    innerBroker(aedes).publish(
      Object.assign(will, { cmd: 'publish' as const, dup: false, qos, retain }),
      client,
      () => {},
    )
  }
}
