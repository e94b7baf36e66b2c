import assert from 'node:assert/strict'
import { type Arrival, describe } from './world.ts'

/** As a whole the same, and in the same order what one client published with one QoS, and what is sent again. */
export function compare(client: string, received: readonly Arrival[], due: readonly Arrival[]): void {
  assert.deepEqual(streams(received), streams(due), `${client} has received something else`)
}

/** By what must be in order, as texts; what need not is sorted: retained messages, and those that do not say where they are from. */
function streams(arrivals: readonly Arrival[]): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {}
  for (const arrival of arrivals) {
    const { kind, payload, qos, retain, dup } = arrival
    const [client, published] = payload.split('.')
    const isOrdered = published !== undefined && !retain
    const order = kind === 'pubrel' ? kind : `from ${client}, QoS ${published} at ${qos}`
    const stream = isOrdered ? order : 'others'
    found[stream] = [...(found[stream] ?? []), `${kind} ${describe(arrival)}${dup ? ' DUP' : ''}`]
  }
  found.others?.sort()
  return found
}
