import type { Connect, Filter, Properties, Publication } from '../protocol.ts'

/** Options of Mosquitto's clients that say what a scenario asks for. */

const propertyNames = {
  receiveMaximum: 'receive-maximum',
  maximumPacketSize: 'maximum-packet-size',
  topicAliasMaximum: 'topic-alias-maximum',
  topicAlias: 'topic-alias',
  willDelayInterval: 'will-delay-interval',
  payloadFormatIndicator: 'payload-format-indicator',
  messageExpiryInterval: 'message-expiry-interval',
  contentType: 'content-type',
  responseTopic: 'response-topic',
  correlationData: 'correlation-data',
} as const satisfies Partial<Record<keyof Properties, string>>

type Packet = 'connect' | 'publish' | 'subscribe' | 'will'

export function propertyOptions(packet: Packet, properties: Properties): string[] {
  const define = (name: string, ...values: (string | number)[]) => ['-D', packet, name, ...values.map(String)]
  const named = Object.entries(propertyNames).flatMap(([name, option]) => {
    const value = properties[name as keyof typeof propertyNames]
    return value === undefined ? [] : define(option, value)
  })
  const identifiers = properties.subscriptionIdentifiers ?? []
  return [
    ...named,
    ...identifiers.flatMap((identifier) => define('subscription-identifier', identifier)),
    ...(properties.userProperties ?? []).flatMap(([name, value]) => define('user-property', name, value)),
  ]
}

/** How a program goes in; the password is in its configuration. */
export function doorOptions(connect: Connect): string[] {
  const { host, port, version, authorities, certificate, privateKey } = connect
  if (connect.transport === 'ws') throw new Error("Mosquitto's clients have no WebSocket")
  return [
    ...['--host', host, '--port', `${port}`, '--protocol-version', version === 5 ? 'mqttv5' : 'mqttv311'],
    ...(authorities ? ['--cafile', authorities] : []),
    ...(certificate ? ['--cert', certificate] : []),
    ...(privateKey ? ['--key', privateKey] : []),
  ]
}

/** The session: client id, expiry, keep-alive, properties of CONNECT, will. */
export function sessionOptions({ version, clientId, clean, keepAlive, properties, will }: Connect): string[] {
  const { sessionExpiryInterval } = properties
  return [
    ...(clientId === '' ? [] : ['--id', clientId]),
    ...(clean ? [] : ['-c']),
    ...(sessionExpiryInterval === undefined ? [] : ['-x', `${sessionExpiryInterval}`]),
    ...['--keepalive', `${keepAlive}`],
    ...(version === 5 ? propertyOptions('connect', properties) : []),
    ...(will ? willOptions(will) : []),
  ]
}

function willOptions({ topic, payload, qos, retain, properties }: Publication): string[] {
  return [
    ...['--will-topic', topic, '--will-payload', payload, '--will-qos', `${qos}`],
    ...(retain ? ['--will-retain'] : []),
    ...propertyOptions('will', properties),
  ]
}

/** @throws Error when the filters differ in what mosquitto_sub has one option for */
export function filterOptions(filters: readonly Filter[], properties: Properties): string[] {
  const [first] = filters
  if (!first) return []
  const { qos, retainAsPublished } = first
  for (const filter of filters) {
    if (filter.qos !== qos || filter.retainAsPublished !== retainAsPublished) {
      throw new Error('mosquitto_sub has one QoS for all of its filters')
    }
    if (filter.noLocal || filter.retainHandling !== 0) throw new Error('mosquitto_sub has no option for this')
  }
  return [
    ...['--qos', `${qos}`, ...filters.flatMap(({ filter }) => ['--topic', filter])],
    ...(retainAsPublished ? ['--retain-as-published'] : []),
    ...propertyOptions('subscribe', properties),
  ]
}
