import type { IPublishPacket } from 'mqtt-packet'
import type { Wire } from './wire.ts'

/** The next so many messages, with nothing else coming meanwhile; they are not acknowledged. */
export async function take(wire: Wire, count: number): Promise<readonly IPublishPacket[]> {
  const packets: IPublishPacket[] = []
  for (let index = 0; index < count; index++) packets.push((await wire.expect('publish')).packet)
  return packets
}

/** Their packet identifiers. */
export function idsOf(packets: readonly IPublishPacket[]): readonly number[] {
  return packets.map(({ messageId = 0 }) => messageId)
}
