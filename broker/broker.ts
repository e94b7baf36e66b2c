import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import { Aedes, type Client } from 'aedes'
import { innerBroker } from './aedes-internals.ts'
import { AedesPersistence } from './aedes-persistence.ts'
import type { Connection } from './connection.ts'
import type { Journal } from './journal.ts'
import type { Limits } from './limits.ts'
import { Login } from './login.ts'
import { mendBroker, mendClient } from './mends.ts'
import { PasswordLogins } from './password-logins.ts'
import type { PasswordHash } from './passwords.ts'
import { mayPublish, mayReceive, maySubscribe, nowhere } from './rights.ts'
import { SessionKeeper } from './session-keeper.ts'
import type { Store, StoreUnusable } from './store/store.ts'
import { Subscribing } from './subscribing.ts'
import { isTopicName } from './topics.ts'
import { WillKeeper } from './will-keeper.ts'

export interface BrokerOptions {
  readonly administrators: ReadonlySet<string>
  readonly passwords: ReadonlyMap<string, PasswordHash>
  readonly limits: Limits
  readonly journal: Journal
  readonly store: Store
  /** The store cannot be opened: the broker serves what needs none. */
  readonly onUnusable: (error: StoreUnusable) => void
}

const TICK = 1_000
const QUOTA_EXCEEDED = 0x97

/** aedes with its mends, its rights and its logins; knows nothing of sockets. */
export interface Broker {
  /** Takes over a connection. */
  accept(connection: Connection): void
  /** Tells MQTT 5 clients that the server shuts down (0x8B), closes all connections and ends. */
  close(): Promise<void>
}

export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const { administrators, passwords, limits, journal, store, onUnusable } = options
  const connections = new WeakMap<Client, Connection>()
  const login = new Login({ administrators, passwordLogins: new PasswordLogins(passwords, limits), limits })

  const mayPublishTo = (client: Client | null, topic: string) => {
    const user = client ? connections.get(client)?.user : undefined
    return user !== undefined && isTopicName(topic, limits) && mayPublish(user, topic)
  }
  const onFull = (what: string, topic: string) => journal.write('limited', { what, topic })
  const persistence = new AedesPersistence({
    store,
    limits,
    usernameOf: (client) => connections.get(client)?.user?.name ?? '',
    mayReceive: (client, topic) => {
      const user = connections.get(client)?.user
      return user !== undefined && mayReceive(user, topic)
    },
    onFull,
    onStalled: (client) => {
      const connection = connections.get(client)
      if (connection) connection.reason = 'does not read'
      // Where the socket is full it would not hear it.
      if (client.conn.writableNeedDrain) client.conn.destroy()
      else client.disconnect({ reasonCode: QUOTA_EXCEEDED })
    },
    onError: (error) => journal.write('failed', { error: error.message }),
    onUnusable,
  })
  const subscribing = new Subscribing({
    persistence,
    limits,
    maySubscribe: (client, filter) => {
      const user = connections.get(client)?.user
      return user !== undefined && maySubscribe(user, filter)
    },
    onRefused: (client, filter, reason) =>
      journal.write('denied', { ...describe(connections.get(client)), subscribe: filter, reason }),
  })

  const aedes = new Aedes({
    // Wills of an earlier run with the same id would count as those of a living broker.
    id: randomUUID(),
    persistence,
    // Any other value lets one stalled subscriber stop everybody.
    concurrency: 0,
    connectTimeout: limits.connectTimeout,
    drainTimeout: limits.drainTimeout,
    queueLimit: limits.packetsBeforeLogin,
    // Of MQTT 3.1, which would have 23 characters at most; Mosquitto does not mind either.
    maxClientsIdLength: limits.clientIdLength,
    maximumPacketSize: limits.packetSize,
    receiveMaximum: limits.halfOpenQoS2,
    topicAliasMaximum: limits.topicAliases,
    maxTopicLevels: limits.topicLevels,
    sessionExpiryIntervalLimit: limits.sessionExpirySeconds,
    pendingSessionsLimit: limits.sessions,

    authenticate(client, username, password, done) {
      const connection = connections.get(client)
      if (!connection) return done(refusal(5), false)
      const decided = login.decide(client, connection, username, password)
      const admitted = decided.then((result) => ('user' in result ? keeper.admit(client, result.user) : result))
      admitted.then(
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
  })
  mendBroker(aedes)
  innerBroker(aedes).subscribing = subscribing
  const wills = new WillKeeper({
    aedes,
    persistence,
    mayPublish({ topic }, name) {
      const user = { name, administrator: administrators.has(name) }
      return isTopicName(topic, limits) && mayPublish(user, topic)
    },
  })
  const keeper = new SessionKeeper({ persistence, wills, limits, journal })
  report(aedes, connections, journal)
  aedes.on('clientReady', (client) => {
    keeper.arrived(client)
    persistence.deliver(client)
  })
  await aedes.listen()
  keeper.restore()
  const tick = () => {
    keeper.expire()
    wills.publishDue()
    persistence.sweepExpired()
  }
  tick()
  const ticking = setInterval(tick, TICK)

  return {
    accept(connection) {
      if (connection.stream.destroyed) return connection.leaveWaitingRoom()
      const client = aedes.handle(connection.stream)
      connections.set(client, connection)
      mendClient(client, {
        limits,
        onEnd: (reason) => {
          connection.reason = reason
        },
        onLeft: () => {
          if (connection.user) keeper.left(client)
        },
        onError: (error) => journal.write('failed', { ...describe(connection), error: error.message }),
      })
      connection.stream.once('close', () => {
        connection.leaveWaitingRoom()
        if (!connection.user) {
          if (!client.id)
            journal.write('refused', { ...describe(connection), reason: connection.reason ?? 'no CONNECT' })
          return
        }
        journal.write('disconnected', { ...describe(connection), clientId: client.id, reason: connection.reason })
      })
    },
    close() {
      clearInterval(ticking)
      return new Promise((resolve) => aedes.close(resolve))
    },
  }
}

function report(aedes: Aedes, connections: WeakMap<Client, Connection>, journal: Journal): void {
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
}

function refusal(returnCode: 2 | 3 | 4 | 5): Error & { returnCode: number } {
  return Object.assign(new Error('refused'), { returnCode })
}

function describe(connection: Connection | undefined): Record<string, unknown> {
  if (!connection) return {}
  const { door, address, user } = connection
  return { door, address, ...(user ? { username: user.name } : {}) }
}
