import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The line between a client and the broker, which can be cut or held; the client library knows nothing of it. */
export interface Cable {
  readonly port: number
  /** Ends all connections, as a failing network does. */
  cut(): void
  /** From now on nothing passes in this direction. */
  hold(direction: Direction): void
  /** What was held arrives, and everything passes again. */
  release(direction: Direction): void
  close(): Promise<void>
}

type Direction = 'to the broker' | 'to the client'

/** A line to a port of this machine. */
export async function layCable(port: number): Promise<Cable> {
  const lines = new Set<Record<Direction, Socket>>()
  const held = new Set<Direction>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const broker = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    // By the end from which the bytes of a direction come.
    const line = { 'to the broker': client, 'to the client': broker }
    lines.add(line)
    // An end that has said its last may still listen, so that what it has said is not lost.
    const join = (from: Socket, to: Socket) => {
      from.setNoDelay()
      from.on('end', () => to.end())
      from.on('error', () => to.destroySoon())
      from.on('close', () => {
        if (to.destroyed) lines.delete(line)
      })
    }
    join(client, broker)
    join(broker, client)
    // Not piped: a pipe resumes what was paused on purpose.
    client.on('data', (bytes) => broker.write(bytes))
    broker.on('data', (bytes) => client.write(bytes))
    for (const direction of held) line[direction].pause()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const line of lines) for (const socket of Object.values(line)) socket.destroy()
    lines.clear()
    held.clear()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    hold(direction) {
      held.add(direction)
      for (const line of lines) line[direction].pause()
    },
    release(direction) {
      held.delete(direction)
      for (const line of lines) line[direction].resume()
    },
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
