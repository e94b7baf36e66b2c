/** What a scenario asks of a client program, one JSON object on a line of its standard input; names are those of MQTT 5. */

export type QoS = 0 | 1 | 2
export type Version = 4 | 5

/** Properties of MQTT 5; text stands for binary data as well. */
export interface Properties {
  readonly sessionExpiryInterval?: number
  readonly receiveMaximum?: number
  readonly maximumPacketSize?: number
  readonly topicAliasMaximum?: number
  readonly topicAlias?: number
  readonly willDelayInterval?: number
  readonly payloadFormatIndicator?: number
  readonly messageExpiryInterval?: number
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: string
  readonly assignedClientIdentifier?: string
  readonly serverKeepAlive?: number
  /** One in a SUBSCRIBE, several in a message. */
  readonly subscriptionIdentifiers?: readonly number[]
  readonly userProperties?: readonly (readonly [string, string])[]
}

export interface Publication {
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
}

export interface Message extends Publication {
  readonly dup: boolean
}

export interface Filter {
  readonly filter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

export interface Connect {
  readonly transport: 'tls' | 'tcp' | 'ws'
  readonly host: string
  readonly port: number
  /** Paths of PEM files, for `tls`. */
  readonly authorities?: string
  readonly certificate?: string
  readonly privateKey?: string
  readonly username?: string
  readonly password?: string
  readonly version: Version
  readonly clientId: string
  readonly clean: boolean
  /** Seconds. */
  readonly keepAlive: number
  readonly properties: Properties
  readonly will?: Publication
  /** Subscribed to at once; empty for a client that is to receive what an earlier session has subscribed to. */
  readonly filters?: readonly Filter[]
  /** Of that SUBSCRIBE. */
  readonly subscribeProperties?: Properties
}

export interface Connected {
  readonly reasonCode: number
  readonly sessionPresent: boolean
  readonly properties: Properties
  /** Of the SUBSCRIBE, if there were filters. */
  readonly reasonCodes: readonly number[]
}

export interface Publish extends Publication {
  /** More messages that follow on the same topic; with a topic alias they carry no topic name. */
  readonly more: readonly string[]
}

/** What a command takes and what the answer to it carries. */
export interface Commands {
  /** Answers also when the broker refuses. */
  connect: [Connect, Connected]
  /** The same client object again, after its connection was cut, with the session that it remembers. */
  reconnect: [object, Connected]
  subscribe: [{ filters: readonly Filter[]; properties: Properties }, { reasonCodes: readonly number[] }]
  unsubscribe: [{ filters: readonly string[] }, { reasonCodes: readonly number[] }]
  /** Answers when all messages are acknowledged, with the reason code of the last. */
  publish: [Publish, { reasonCode: number }]
  /** Publishes a request and answers with what came on its response topic. */
  request: [{ topic: string; responseTopic: string; payload: string }, { payload: string }]
  disconnect: [{ reasonCode: number; properties: Properties }, object]
  /** The connection was cut from outside: answers when the client has seen it. */
  lose: [object, object]
  /** Nobody needs the client any more. */
  drop: [object, object]
}

export type Command = keyof Commands

/** What a program says on a line of its standard output. */
export type Line =
  | { readonly id: number; readonly error: string }
  | { readonly id: number; readonly answer: object }
  | { readonly client: string; readonly message: Message }
  /** The broker ended the connection, with a DISCONNECT or without. */
  | { readonly client: string; readonly closed: { readonly reasonCode?: number } }
