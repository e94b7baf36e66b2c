import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { call, openChat, received, startBrowser, type TrustingBrowser } from '../browser.ts'
import { connectWebSocket, nextMessage, tryPassword } from '../doors.ts'
import { checkout, sandbox } from '../sandbox.ts'

const minute = 60_000

export function webSocket() {
  describe('MQTT over WebSocket from Node', { timeout: 3 * minute }, () => {
    for (const protocolVersion of [4, 5] as const) {
      test(`two clients talk, MQTT ${protocolVersion === 4 ? '3.1.1' : '5'}`, async () => {
        const [ada, ben] = await Promise.all([
          connectWebSocket({ protocolVersion }),
          connectWebSocket({ protocolVersion }),
        ])
        try {
          await ben.subscribeAsync('try/#', { qos: 1 })
          const message = nextMessage(ben)
          await ada.publishAsync('try/ws', 'hello world', { qos: 1 })
          assert.deepEqual(await message, { topic: 'try/ws', payload: 'hello world' })
        } finally {
          await Promise.all([ada.endAsync(true), ben.endAsync(true)])
        }
      })
    }

    test('the private CA does not vouch for the web front', async () => {
      await assert.rejects(
        connectWebSocket({ ca: await readFile(sandbox().caFile, 'utf8') }),
        /unable to (get|verify)|self.signed/,
      )
    })

    test('a wrong password is refused', async () => {
      await assert.rejects(connectWebSocket({ password: 'wrong' }), /Not authorized|Bad User Name or Password/i)
    })
  })

  describe('a real browser', { timeout: 3 * minute }, () => {
    let trusting: TrustingBrowser
    before(async () => {
      trusting = await startBrowser(sandbox().acmeRootFile)
    })
    after(() => trusting?.[Symbol.asyncDispose]())

    test('shows the page of the server without a complaint', async () => {
      const page = await trusting.browser.newPage()
      const complaints: string[] = []
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(error.message))
      page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`))
      const response = await page.goto(sandbox().urls.https, { waitUntil: 'networkidle' })
      assert.equal(response?.status(), 200)
      await page.getByRole('heading', { name: sandbox().hostname }).waitFor()
      await page.getByText(sandbox().urls.wss).waitFor()
      assert.deepEqual(complaints, [])
      const directory = join(checkout, 'dist', 'e2e')
      await mkdir(directory, { recursive: true })
      await page.screenshot({ path: join(directory, 'page.png'), fullPage: true })
      await page.close()
    })

    test('two pages talk', async () => {
      const { urls, tryUser } = sandbox()
      const password = await tryPassword()
      const pages = await Promise.all([openChat(trusting.browser, urls.https), openChat(trusting.browser, urls.https)])
      await Promise.all(pages.map((page) => call(page, 'join', urls.wss, tryUser.name, password)))
      const [ada, ben] = pages
      await call(ada, 'say', `${tryUser.name}/ada`, 'hello ben')
      await received(ben, `${tryUser.name}/ada`, 'hello ben')
      await call(ben, 'say', `${tryUser.name}/ben`, 'hello ada')
      await received(ada, `${tryUser.name}/ben`, 'hello ada')
      await Promise.all(pages.map((page) => page.close()))
    })

    test('does not take a wrong password', async () => {
      const { urls, tryUser } = sandbox()
      const page = await openChat(trusting.browser, urls.https)
      await assert.rejects(call(page, 'join', urls.wss, tryUser.name, 'wrong'), /Not authorized|Bad User Name/i)
      await page.close()
    })
  })
}
