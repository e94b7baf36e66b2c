import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { MqttClient } from 'mqtt'
import { connectAdmin, connectWebSocket, nextMessage } from '../doors.ts'
import { eventually } from '../eventually.ts'
import { onServer } from '../sandbox.ts'
import { publicCertificate } from '../web.ts'

const minute = 60_000

/** @param meanwhile subjects that run while the clients of before the renewal stay connected */
export function renewal(meanwhile: () => void) {
  describe('the public certificate', { timeout: 6 * minute }, () => {
    let clients: readonly MqttClient[]
    const disconnects: string[] = []
    before(async () => {
      clients = [await connectWebSocket(), await connectAdmin()]
      for (const [index, name] of ['wss', 'mqtts'].entries()) {
        clients[index]?.on('close', () => disconnects.push(name))
        clients[index]?.on('error', (error) => disconnects.push(`${name}: ${error.message}`))
      }
    })
    after(() => Promise.all((clients ?? []).map((client) => client.endAsync(true))))

    async function assertTalk(topic: string) {
      const [browser, admin] = clients
      assert.ok(browser && admin)
      await browser.subscribeAsync(topic, { qos: 1 })
      const message = nextMessage(browser)
      await admin.publishAsync(topic, 'still here', { qos: 1 })
      assert.deepEqual(await message, { topic, payload: 'still here' })
      assert.deepEqual(disconnects, [])
    }

    test('is the ACME server’s', async () => {
      assert.match(String((await publicCertificate()).issuer.CN), /^Pebble Intermediate CA/)
    })

    test('renews under connected clients', async () => {
      const { serialNumber } = await publicCertificate()
      // Due now: the service renews as it would on its day, in its own confinement.
      await onServer(`
        sed -i '1i renew_before_expiry = 20 years' /etc/letsencrypt/renewal/*.conf
        systemctl start skerry-acme.service
        sed -i '/^renew_before_expiry/d' /etc/letsencrypt/renewal/*.conf`)
      await eventually(async () => assert.notEqual((await publicCertificate()).serialNumber, serialNumber))
      await assertTalk('try/renewed')
    })

    test('is looked after by a timer', async () => {
      const timers = await onServer('systemctl list-timers --all --no-legend skerry-acme.timer')
      assert.match(timers, /skerry-acme\.timer/)
      assert.equal(await onServer('systemctl is-active skerry-acme.timer'), 'active')
    })

    meanwhile()

    test('did not cost these clients their connection later either', () => assertTalk('try/later'))
  })
}
