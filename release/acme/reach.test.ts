import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { findUnreachable } from './reach.ts'

test('a CA that takes connections is left to certbot, whatever it answers', async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer((socket) => socket.destroy()).listen(0, host)
    t.after(() => server.close())
    await once(server, 'listening')
    const address = server.address()
    assert.ok(address && typeof address === 'object')
    const shown = host.includes(':') ? `[${host}]` : host
    assert.equal(await findUnreachable(`https://${shown}:${address.port}/dir`), undefined)
    server.close()
    await once(server, 'close')
    const { reason = '' } = (await findUnreachable(`https://${shown}:${address.port}/dir`)) ?? {}
    assert.match(reason, /^the CA cannot be reached: connect ECONNREFUSED /)
  }
})

test('a CA whose name has no address is named', async () => {
  const { reason = '' } = (await findUnreachable('https://acme.invalid/dir')) ?? {}
  assert.match(reason, /^the CA cannot be reached: getaddrinfo \w+ acme\.invalid$/)
})
