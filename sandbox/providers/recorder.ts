import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Value } from './values.ts'

/** One expected request and what is answered to it. */
export interface Exchange {
  /** Method and path with its query: `GET /v1/servers/1`. */
  readonly request: string
  /** Absent: the request must have no body. */
  readonly body?: Value
  readonly status?: number
  readonly answer?: Value
}

export interface Recorder {
  readonly url: string
  /** The authorization headers that came, each once. */
  readonly tokens: ReadonlySet<string>
  /** Sets what is expected next. */
  expect(exchanges: readonly Exchange[]): void
  /** @throws AssertionError unless exactly what was expected has come, in its order */
  verify(): void
  close(): Promise<void>
}

async function bodyOf(request: IncomingMessage): Promise<Value | undefined> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  return text === '' ? undefined : JSON.parse(text)
}

/** Plays recorded answers and keeps what was really asked. */
export async function startRecorder(): Promise<Recorder> {
  let expected: readonly Exchange[] = []
  let asked: { request: string; body?: Value }[] = []
  const tokens = new Set<string>()
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const exchange = expected[asked.length]
    asked.push({ request: `${request.method} ${request.url}`, ...(body === undefined ? {} : { body }) })
    tokens.add(request.headers.authorization ?? '')
    response.writeHead(exchange?.status ?? (exchange ? 200 : 599), { 'content-type': 'application/json' })
    response.end(exchange?.answer === undefined ? '' : JSON.stringify(exchange.answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    tokens,
    expect(exchanges) {
      expected = exchanges
      asked = []
    },
    verify() {
      const wanted = expected.map(({ request, body }) => ({ request, ...(body === undefined ? {} : { body }) }))
      assert.deepEqual(asked, wanted)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
