import { readFileSync } from 'node:fs'
import mqtt, { type IClientOptions, type IClientSubscribeOptions, type MqttClient, type Packet } from 'mqtt'
import type { IPublishPacket } from 'mqtt-packet'
import type { Connect, Connected, Properties } from '../protocol.ts'
import { type Doer, obeyInput, say } from './lines.ts'

/** mqtt.js, told what to do on standard input. */

const clients = new Map<string, Client>()

class Client {
  readonly mqtt: MqttClient
  #connect = Promise.withResolvers<Connected>()
  #reasonCode: number | undefined
  isClosed: Promise<void>

  constructor(name: string, options: Connect) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.isClosed = promise
    this.mqtt = mqtt.connect(connectOptions(options))
    this.mqtt.on('packetreceive', (packet) => this.#take(packet))
    this.mqtt.on('message', (topic, payload, packet) => {
      const { qos, retain, dup, properties = {} } = packet
      say({
        client: name,
        message: { topic, payload: `${payload}`, qos, retain, dup, properties: fromLibrary(properties) },
      })
    })
    this.mqtt.on('error', (error) => this.#connect.reject(error))
    this.mqtt.on('close', () => {
      this.#connect.reject(new Error('closed without a CONNACK'))
      const reasonCode = this.#reasonCode
      say({ client: name, closed: reasonCode === undefined ? {} : { reasonCode } })
      resolve()
    })
  }

  connected(): Promise<Connected> {
    return this.#connect.promise
  }

  reconnect(): Promise<Connected> {
    this.#connect = Promise.withResolvers()
    // Without them it begins with empty ones.
    const { incomingStore, outgoingStore } = this.mqtt
    this.mqtt.reconnect({ incomingStore, outgoingStore })
    return this.#connect.promise
  }

  #take(packet: Packet): void {
    if (packet.cmd === 'disconnect') this.#reasonCode = packet.reasonCode
    if (packet.cmd !== 'connack') return
    const { reasonCode, returnCode, sessionPresent, properties = {} } = packet
    this.#connect.resolve({
      reasonCode: reasonCode ?? returnCode ?? 0,
      sessionPresent,
      properties: fromLibrary(properties),
      reasonCodes: [],
    })
  }
}

const doer: Doer = {
  async connect(name, options) {
    const client = new Client(name, options)
    clients.set(name, client)
    const connected = await client.connected()
    if (!options.filters?.length) return connected
    const subscribed = await doer.subscribe(name, {
      filters: options.filters,
      properties: options.subscribeProperties ?? {},
    })
    return { ...connected, ...subscribed }
  },
  reconnect: (name) => find(name).reconnect(),
  async subscribe(name, { filters, properties }) {
    const [subscriptionIdentifier] = properties.subscriptionIdentifiers ?? []
    const map: Record<string, IClientSubscribeOptions> = {}
    for (const { filter, qos, noLocal, retainAsPublished, retainHandling } of filters) {
      map[filter] = { qos, nl: noLocal, rap: retainAsPublished, rh: retainHandling }
    }
    const options = subscriptionIdentifier === undefined ? {} : { properties: { subscriptionIdentifier } }
    return new Promise((resolve, reject) => {
      // The answer as it came: the library makes an error of a refused filter.
      find(name).mqtt.subscribe(Object.assign(map, { resubscribe: true }), options, (error, _, packet) => {
        const granted = packet?.granted
        if (granted) resolve({ reasonCodes: granted.map(Number) })
        else reject(error ?? new Error('no SUBACK'))
      })
    })
  },
  async unsubscribe(name, { filters }) {
    const packet = await find(name).mqtt.unsubscribeAsync([...filters])
    const codes = packet?.cmd === 'unsuback' ? packet.granted : undefined
    return { reasonCodes: codes ?? [] }
  },
  async publish(name, { topic, payload, more, qos, retain, properties }) {
    const client = find(name).mqtt
    const send = (text: string, topicName: string) =>
      new Promise<number>((resolve, reject) => {
        client.publish(topicName, text, { qos, retain, properties: toLibrary(properties) }, (error, packet) => {
          if (error && 'code' in error && typeof error.code === 'number') resolve(error.code)
          else if (error) reject(error)
          else resolve(packet && 'reasonCode' in packet ? (packet.reasonCode ?? 0) : 0)
        })
      })
    const later = properties.topicAlias === undefined ? topic : ''
    const codes = await Promise.all([send(payload, topic), ...more.map((text) => send(text, later))])
    return { reasonCode: codes.at(-1) ?? 0 }
  },
  async request() {
    throw new Error('mqtt.js has no program for requests')
  },
  async disconnect(name, { reasonCode, properties }) {
    await find(name).mqtt.endAsync(false, { reasonCode, properties: toLibrary(properties) })
    return {}
  },
  async lose(name) {
    await find(name).isClosed
    return {}
  },
  async drop(name) {
    await clients.get(name)?.mqtt.endAsync(true)
    clients.delete(name)
    return {}
  },
}

function connectOptions(connect: Connect): IClientOptions {
  const { transport, host, port, version, clientId, clean, keepAlive, username, password, will, properties } = connect
  const { authorities, certificate, privateKey } = connect
  return {
    protocol: transport === 'tls' ? 'mqtts' : transport === 'tcp' ? 'mqtt' : 'ws',
    host,
    port,
    path: '/mqtt/',
    protocolVersion: version,
    clientId,
    clean,
    keepalive: keepAlive,
    reconnectPeriod: 0,
    resubscribe: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(authorities === undefined ? {} : { ca: readFileSync(authorities) }),
    ...(certificate === undefined ? {} : { cert: readFileSync(certificate) }),
    ...(privateKey === undefined ? {} : { key: readFileSync(privateKey) }),
    ...(version === 5 ? { properties: toLibrary(properties) } : {}),
    ...(will ? { will: { ...will, payload: Buffer.from(will.payload), properties: toLibrary(will.properties) } } : {}),
  }
}

type LibraryProperties = NonNullable<IPublishPacket['properties']>

function toLibrary({
  userProperties,
  correlationData,
  payloadFormatIndicator,
  subscriptionIdentifiers,
  ...same
}: Properties) {
  const named: Record<string, string[]> = Object.create(null)
  for (const [name, value] of userProperties ?? []) named[name] = [...(named[name] ?? []), value]
  return {
    ...same,
    ...(userProperties ? { userProperties: named } : {}),
    ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator: payloadFormatIndicator === 1 }),
  }
}

function fromLibrary(properties: LibraryProperties): Properties {
  const { userProperties, correlationData, payloadFormatIndicator, subscriptionIdentifier, ...same } = properties
  const pairs = Object.entries(userProperties ?? {}).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  )
  return {
    ...same,
    ...(userProperties ? { userProperties: pairs } : {}),
    ...(correlationData ? { correlationData: `${correlationData}` } : {}),
    ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator: payloadFormatIndicator ? 1 : 0 }),
    ...(subscriptionIdentifier === undefined ? {} : { subscriptionIdentifiers: [subscriptionIdentifier].flat() }),
  }
}

function find(name: string): Client {
  const client = clients.get(name)
  if (!client) throw new Error(`there is no client ${name}`)
  return client
}

obeyInput(doer)
