import type { IPublishPacket } from 'mqtt-packet'
import type { StoredMessage } from './store.ts'

type Properties = NonNullable<IPublishPacket['properties']>

/** What a message has besides topic and payload; a store keeps it as it is. */
export interface MessageDetails {
  readonly properties?: Properties | undefined
  /** Milliseconds since 1970. */
  readonly messageExpiry?: number
  /** Of a retained message: with which QoS it was published, and by which client id. */
  readonly qos?: 0 | 1 | 2
  readonly publisher?: string
  /** When it was retained; see stamps.ts. */
  readonly stamp?: number
  readonly [name: string]: unknown
}

/** Bytes are copied: a received payload is a view of everything that came in one read. */
export function encodeMessage(
  topic: string,
  payload: Uint8Array | string,
  { properties, ...rest }: MessageDetails,
): StoredMessage {
  const correlationData = properties?.correlationData?.toString('base64')
  const details = properties ? { ...rest, properties: { ...properties, correlationData } } : rest
  return {
    topic,
    payload: typeof payload === 'string' ? payload : new Uint8Array(payload),
    details: JSON.stringify(details),
    ...(rest.messageExpiry !== undefined && { expiresAt: rest.messageExpiry }),
  }
}

export function decodeDetails(details: string): MessageDetails {
  if (details === '{}') return {}
  const { properties, ...rest } = JSON.parse(details)
  if (properties === undefined) return rest
  const { correlationData, ...others } = properties
  const bytes = correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData, 'base64') }
  return { ...rest, properties: { ...others, ...bytes } }
}

export function decodePayload(payload: Uint8Array | string): Buffer | string {
  return typeof payload === 'string' ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
}
