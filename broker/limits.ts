const KIB = 1024
const MIB = 1024 * KIB

/** What one connection, user, address and the whole broker may use: sizes in bytes, times in milliseconds unless named otherwise. */
export const limits = {
  /** Open sockets on one listener, logged in or not. */
  connectionsPerListener: 10_000,
  /** Sockets that have not logged in yet: all together, and from one address group. */
  waitingConnections: 1_000,
  waitingConnectionsPerAddress: 100,
  handshakeTimeout: 10_000,
  connectTimeout: 10_000,

  connectPacketSize: 16 * KIB,
  /** Packets that a client sent together with its CONNECT, until it is logged in. */
  packetsBeforeLogin: 1_000,
  packetSize: 256 * KIB,
  /** One WebSocket message may carry several packets. */
  frameSize: 512 * KIB,
  /** For a client to hear why its connection ends, and for its half of a WebSocket's closing handshake. */
  closeTimeout: 2_000,
  /** Bytes received over a WebSocket and not parsed yet, before reading stops. */
  unreadBytes: 64 * KIB,

  clientIdLength: 256,
  topicLength: 1_024,
  topicLevels: 32,
  subscriptionsPerClient: 200,
  /** The longest keep alive that an MQTT 5 client may ask for; MQTT 3.1.1 has no way to tell it. */
  keepAliveSeconds: 60 * 60,
  /** Topics that have an alias on one connection, each way. */
  topicAliases: 16,
  /** QoS 2 publishes of one session that were received and not released yet; also the receive maximum. */
  halfOpenQoS2: 1_000,

  /** Unsent bytes above which a subscriber misses QoS 0 messages. */
  slowSubscriberBytes: 256 * KIB,
  /** QoS 1 and 2 in memory above which a subscriber is disconnected (lasting sessions have them on disk), and of all of them. */
  stalledSubscriberBytes: 4 * MIB,
  heldBytes: 128 * MIB,
  /** How long a message waits at most for subscribers that fall behind, before its publisher is read on. */
  publisherWait: 100,
  drainTimeout: 8_000,

  /** Live and stored sessions: of one user, and all together. */
  sessionsPerUser: 1_000,
  sessions: 20_000,
  sessionExpirySeconds: 30 * 24 * 60 * 60,
  /** On disk: the messages that wait for one session and for all, and the retained ones. */
  queuedMessagesPerSession: 10_000,
  queuedBytesPerSession: 32 * MIB,
  queuedBytes: 1024 * MIB,
  retainedMessages: 100_000,
  retainedBytes: 256 * MIB,
  /** Sent to one client and not acknowledged; and what is read for it from the disk at once. */
  unacknowledgedMessages: 200,
  deliveryPageMessages: 200,
  deliveryPageBytes: 64 * KIB,

  /** Passwords that are checked at the same time (32 MiB of memory each), and that wait for it. */
  passwordChecks: 2,
  passwordChecksWaiting: 256,
  passwordChecksWaitingPerAddress: 64,
  /** Wrong passwords from one address group within the window, after which it is locked out. */
  failedLogins: 10,
  failedLoginsSeconds: 60,
  lockSeconds: 300,
  trackedAddresses: 20_000,

  /** Lines of one kind that the log takes in one second. */
  logLinesPerSecond: 50,
  shutdownTimeout: 5_000,
}

export type Limits = Readonly<Record<keyof typeof limits, number>>
