import type { Door } from './connection.ts'

export interface InheritedSocket {
  readonly door: Door
  readonly fd: number
}

/** The first descriptor that systemd hands over, sd_listen_fds(3). */
const FIRST = 3
const MOST = 16
const doors: ReadonlyMap<string, Door> = new Map([
  ['mqtt', 'mqtt'],
  ['mqtts', 'mqtts'],
  ['wss', 'wss'],
])

/**
 * The listening sockets that systemd has opened for this process, by the names that the units give them.
 * As sd_listen_fds(3) demands, they are ours only if LISTEN_PID is our process id: a child that inherited the variables has none.
 */
export function inheritedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  processId: number,
): { sockets: InheritedSocket[] } | { mistake: string } {
  const { LISTEN_FDS: count, LISTEN_PID: owner, LISTEN_FDNAMES: names } = environment
  if (count === undefined || Number(owner) !== processId) return { sockets: [] }
  const number = Number(count)
  const allowed = 'Allowed: one of mqtt, mqtts, wss for each socket. Example: LISTEN_FDS=2 LISTEN_FDNAMES=mqtt:mqtts'
  if (!Number.isInteger(number) || number < 1 || number > MOST) {
    return {
      mistake: `LISTEN_FDS cannot be ${JSON.stringify(count)}: it is the number of sockets, 1 to ${MOST}. ${allowed}`,
    }
  }
  const given = (names ?? '').split(':')
  const sockets = given.flatMap((name, index) => {
    const door = doors.get(name)
    return door ? [{ door, fd: FIRST + index }] : []
  })
  if (sockets.length !== number || given.length !== number) {
    return { mistake: `LISTEN_FDNAMES cannot be ${JSON.stringify(names)} for ${number} sockets. ${allowed}` }
  }
  return { sockets }
}
