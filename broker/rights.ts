import { firstLevel } from './topics.ts'

/** Who a connection belongs to. */
export interface User {
  readonly name: string
  readonly administrator: boolean
}

/** Where a refused MQTT 3.1.1 publish goes, because it can only be acknowledged [MQTT-3.3.5-2]: nobody may listen there. */
export const nowhere = '$nowhere'

const notPublished = new Set(['$SYS', '$CONTROL', '$share', nowhere])
const notSubscribed = new Set(['$share', nowhere])

/** Whether a user may publish to a topic: below `USERNAME/`, administrators everywhere, nobody to what the broker itself says. */
export function mayPublish(user: User, topic: string): boolean {
  const first = firstLevel(topic)
  if (notPublished.has(first)) return false
  return user.administrator || first === user.name
}

/** Whether a user may subscribe to a (well-formed) topic filter. */
export function maySubscribe(user: User, filter: string): boolean {
  const first = firstLevel(filter)
  if (notSubscribed.has(first)) return false
  return user.administrator || first === user.name
}

/** Whether a message on this topic may be handed to the user, however the subscription came about. */
export function mayReceive(user: User, topic: string): boolean {
  const first = firstLevel(topic)
  if (first === nowhere) return false
  return user.administrator || first === user.name
}
