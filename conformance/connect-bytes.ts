import { packet, properties, text } from './exchanges.ts'

/** The fields of a CONNECT in hexadecimal digits, in their order; Clean Start and no keep alive unless said otherwise. */
export interface ConnectFields {
  readonly first?: string
  readonly name?: string
  readonly level?: string
  readonly flags?: string
  readonly keepAlive?: string
  /** With their length; left out for MQTT 3.1.1. */
  readonly properties?: string
  readonly clientId?: string
  /** What follows the client identifier: the will, the user name, the password. */
  readonly rest?: string
}

/** A CONNECT of which each field can be wrong. */
export function connectBytes(version: 4 | 5, fields: ConnectFields = {}): string {
  return packet(
    fields.first ?? '10',
    fields.name ?? text('MQTT'),
    fields.level ?? `0${version}`,
    fields.flags ?? '02',
    fields.keepAlive ?? '0000',
    version === 5 ? (fields.properties ?? properties(5)) : '',
    fields.clientId ?? text(''),
    fields.rest ?? '',
  )
}
