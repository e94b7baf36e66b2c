import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Reply {
  readonly status?: number
  readonly body?: unknown
  /** Nothing is answered, and the connection stays. */
  readonly isSilent?: true
}

/** "GET /path?query" → what is answered; the longest beginning that fits counts. */
export type Replies = Record<string, Reply | readonly Reply[]>

/** An API on loopback that answers what a test tells it; a list is answered one by one, its last entry for ever. */
export async function stubApi(replies: Replies) {
  const asked: string[] = []
  const headers: IncomingHttpHeaders[] = []
  const server = createServer(async (request, response) => {
    const line = `${request.method} ${request.url}`
    for await (const _ of request);
    const [key = ''] = Object.keys(replies)
      .filter((start) => line.startsWith(start))
      .sort((a, b) => b.length - a.length)
    const times = asked.filter((earlier) => earlier.startsWith(key)).length
    asked.push(line)
    headers.push(request.headers)
    const found: readonly Reply[] = [replies[key] ?? { status: 404, body: {} }].flat()
    const { status = 200, body, isSilent } = found[Math.min(times, found.length - 1)] ?? {}
    if (isSilent) return
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    response.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    headers,
    replies,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export type StubApi = Awaited<ReturnType<typeof stubApi>>
