import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { Aedes, type AedesPublishPacket, type Client } from 'aedes'
import { innerBroker, innerClient } from './aedes-internals.ts'
import type { Connection } from './connection.ts'
import { judgeForward } from './forwarding.ts'
import type { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import { Login } from './login.ts'
import { mendBroker, mendClient } from './mends.ts'
import { PasswordLogins } from './password-logins.ts'
import type { PasswordHash } from './passwords.ts'
import { Persistence } from './persistence.ts'
import { mayPublish, maySubscribe, nowhere } from './rights.ts'
import { Sessions } from './sessions.ts'
import { isTopicFilter, isTopicName } from './topics.ts'

export interface BrokerOptions {
  readonly administrators: ReadonlySet<string>
  readonly passwords: ReadonlyMap<string, PasswordHash>
  readonly limits: Limits
  readonly journal: Journal
}

/** aedes with its mends, its rights and its logins; knows nothing of sockets. */
export interface Broker {
  /** Takes over a connection. */
  accept(connection: Connection): void
  /** Tells MQTT 5 clients that the server shuts down (0x8B), closes all connections and ends. */
  close(): Promise<void>
}

export async function createBroker({ administrators, passwords, limits, journal }: BrokerOptions): Promise<Broker> {
  const connections = new WeakMap<Client, Connection>()
  const sessions = new Sessions(limits, (clientId) => {
    innerBroker(aedes).clearSessionExpiry(clientId)
    void persistence.endSession(clientId)
    journal.write('limited', { what: 'session', clientId })
  })
  const login = new Login({ administrators, passwordLogins: new PasswordLogins(passwords, limits), sessions, limits })

  const maySubscribeTo = (client: Client, filter: string) => {
    const user = connections.get(client)?.user
    return user !== undefined && isTopicFilter(filter, limits) && maySubscribe(user, filter)
  }
  const mayPublishTo = (client: Client | null, topic: string) => {
    const user = client ? connections.get(client)?.user : undefined
    return user !== undefined && isTopicName(topic, limits) && mayPublish(user, topic)
  }
  const onFull = (what: string, topic: string) => journal.write('limited', { what, topic })
  const persistence = new Persistence({ limits, mayStore: maySubscribeTo, onFull })

  const aedes = new Aedes({
    // Wills of an earlier run with the same id would count as those of a living broker.
    id: randomUUID(),
    persistence,
    // Any other value lets one stalled subscriber stop everybody.
    concurrency: 0,
    connectTimeout: limits.connectTimeout,
    drainTimeout: limits.drainTimeout,
    maximumPacketSize: limits.packetSize,
    receiveMaximum: limits.halfOpenQoS2,
    maxTopicLevels: limits.topicLevels,
    sessionExpiryIntervalLimit: limits.sessionExpirySeconds,
    pendingSessionsLimit: limits.sessions,

    authenticate(client, username, password, done) {
      const connection = connections.get(client)
      if (!connection) return done(refusal(5), false)
      login.decide(client, connection, username, password).then(
        (result) => {
          if ('user' in result) {
            connection.user = result.user
            connection.leaveWaitingRoom()
            return done(null, true)
          }
          const who = { ...describe(connection), clientId: client.id, username, reason: result.refused }
          connection.reason = result.refused
          journal.write('refused', who)
          if (result.locks) journal.write('locked', { address: connection.addressGroup, seconds: limits.lockSeconds })
          done(refusal(result.returnCode), false)
        },
        (error: Error) => {
          journal.write('failed', { ...describe(connection), error: error.message })
          done(refusal(3), false)
        },
      )
    },

    authorizePublish(client, packet, done) {
      // It belongs to the will, not to the message that the will becomes.
      if (packet.properties && 'willDelayInterval' in packet.properties) delete packet.properties.willDelayInterval
      if (mayPublishTo(client, packet.topic)) return done(null)
      if (client) journal.write('denied', { ...describe(connections.get(client)), publish: packet.topic })
      // aedes sends the error's message to the client; an empty one is left out.
      if (!client || client.version === 5) return done(new Error(''))
      // MQTT 3.1.1 knows no negative acknowledgement [MQTT-3.3.5-2].
      packet.topic = nowhere
      packet.payload = Buffer.alloc(0)
      packet.retain = false
      done(null)
    },

    authorizeSubscribe(client, subscription, done) {
      const { subscriptions } = innerClient(client)
      const isNew = subscriptions[subscription.topic] === undefined
      const isFull = isNew && Object.keys(subscriptions).length >= limits.subscriptionsPerClient
      if (!isFull && maySubscribeTo(client, subscription.topic)) return done(null, subscription)
      journal.write('denied', { ...describe(connections.get(client)), subscribe: subscription.topic, isFull })
      done(null, null)
    },

    authorizeForward(client, packet): AedesPublishPacket | null {
      const connection = connections.get(client)
      const verdict = connection ? judgeForward(client, connection, packet, limits) : 'withhold'
      if (verdict === 'send') return packet
      if (verdict === 'withhold') persistence.withhold(client.id, packet)
      if (verdict === 'disconnect' && connection) {
        connection.reason = 'does not read'
        client.conn.destroy()
      }
      return null
    },
  })
  mendBroker(aedes)
  report(aedes, connections, sessions, journal)
  await aedes.listen()

  return {
    accept(connection) {
      const client = aedes.handle(connection.stream)
      connections.set(client, connection)
      mendClient(client, limits, (reason) => {
        connection.reason = reason
      })
      connection.stream.once('close', () => {
        connection.leaveWaitingRoom()
        if (!connection.user) {
          if (!client.id)
            journal.write('refused', { ...describe(connection), reason: connection.reason ?? 'no CONNECT' })
          return
        }
        journal.write('disconnected', { ...describe(connection), clientId: client.id, reason: connection.reason })
        if (sessions.release(client.id, client, !client.clean) === 'ended') void persistence.endSession(client.id)
      })
    },
    close: () => new Promise((resolve) => aedes.close(resolve)),
  }
}

function report(aedes: Aedes, connections: WeakMap<Client, Connection>, sessions: Sessions, journal: Journal): void {
  const note = (client: Client, error: Error) => {
    const connection = connections.get(client)
    // Denied publishes come here as well, with an empty message.
    if (connection && error.message) connection.reason ??= error.message
  }
  aedes.on('clientError', note)
  aedes.on('connectionError', note)
  const emitter: EventEmitter = aedes
  emitter.on('error', (error: Error) => journal.write('failed', { error: error.message }))
  aedes.on('client', (client) => {
    const { id, version, clean } = client
    journal.write('connected', { ...describe(connections.get(client)), clientId: id, version, clean })
  })
  aedes.on('sessionExpired', (client) => sessions.expire(client.id))
  aedes.on('sessionLimitReached', (client, { reason }) => {
    if (reason === 'sessionExpiry') sessions.end(client.id)
  })
}

function refusal(returnCode: 2 | 3 | 4 | 5): Error & { returnCode: number } {
  return Object.assign(new Error('refused'), { returnCode })
}

function describe(connection: Connection | undefined): Record<string, unknown> {
  if (!connection) return {}
  const { door, address, user } = connection
  return { door, address, ...(user ? { username: user.name } : {}) }
}
