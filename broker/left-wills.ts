import type { Aedes } from 'aedes'
import type { AedesPersistence } from './aedes-persistence.ts'
import type { Will } from './store/wills.ts'

/** Publishes the wills of connections that ended together with an earlier run, once their delay is over. */
export function publishLeftWills(
  aedes: Aedes,
  persistence: AedesPersistence,
  mayPublish: (will: Will, username: string) => boolean,
): void {
  for (const { will, username } of persistence.dueWills()) {
    if (!mayPublish(will, username)) {
      void persistence.delWill({ id: will.clientId ?? '' })
      continue
    }
    // It belongs to the will, not to the message that the will becomes.
    delete will.properties?.willDelayInterval
    const { qos = 0, retain = false } = will
    // The very object that is stored, so that it is taken out of the store together with its publication.
    aedes.publish(Object.assign(will, { cmd: 'publish' as const, dup: false, qos, retain }), () => {})
  }
}
