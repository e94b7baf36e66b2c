import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sandbox } from '../sandbox.ts'
import { get, handshake, talkPlain } from '../web.ts'

const minute = 60_000

export function webFront() {
  describe('the web front', { timeout: 2 * minute }, () => {
    test('port 80 redirects to https for good, path and query kept', async () => {
      const response = await get(`http://${sandbox().hostname}/some/where?a=1`)
      assert.equal(response.statusCode, 301)
      assert.equal(response.headers.location, `https://${sandbox().hostname}/some/where?a=1`)
    })

    test('https tells browsers to stay with https', async () => {
      const response = await get(sandbox().urls.https)
      assert.equal(response.statusCode, 200)
      const [, age] = /max-age=(\d+)/.exec(response.headers['strict-transport-security'] ?? '') ?? []
      assert.ok(Number(age) >= 15_768_000, `max-age of half a year or more, not ${age}`)
    })

    test('an unknown name gets nothing', async () => {
      for (const host of ['elsewhere.example', sandbox().address]) {
        assert.equal(await talkPlain(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), '', `port 80, Host: ${host}`)
      }
      assert.equal(await talkPlain('GET / HTTP/1.0\r\n\r\n'), '', 'port 80, no Host')
      for (const name of [['-servername', 'elsewhere.example'], ['-noservername']]) {
        const { exitCode, output } = await handshake(443, name)
        assert.notEqual(exitCode, 0)
        assert.match(output, /unrecognized name/)
        assert.match(output, /no peer certificate available/)
      }
      // Another name inside the right one's connection: nothing, or Misdirected Request (RFC 9110, 15.5.20).
      const answer = await get(sandbox().urls.https, 'elsewhere.example').then(
        ({ statusCode }) => statusCode,
        (error: NodeJS.ErrnoException) => error.code,
      )
      assert.ok(answer === 'ECONNRESET' || answer === 421, `answered ${answer}`)
    })

    for (const port of [443, 8883]) {
      test(`${port} speaks TLS 1.2 and 1.3, and nothing older`, async () => {
        const name = ['-servername', sandbox().hostname]
        for (const version of ['-tls1_2', '-tls1_3']) {
          const { output } = await handshake(port, [version, ...name])
          assert.doesNotMatch(output, /no peer certificate available/, version)
        }
        for (const version of ['-tls1', '-tls1_1']) {
          // OpenSSL's client offers these only at the lowest security level.
          const { exitCode, output } = await handshake(port, [version, '-cipher', 'DEFAULT@SECLEVEL=0', ...name])
          assert.notEqual(exitCode, 0)
          assert.match(output, /alert protocol version/, version)
        }
      })
    }
  })
}
