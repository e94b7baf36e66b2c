import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { attemptsFile } from '../../release/acme/attempts.ts'
import { edgePorts } from '../../sandbox/instance.ts'
import { deleteRecord } from '../cloud.ts'
import { filterPackets, letPacketsPass } from '../packets.ts'
import { instance, onServer, readStatus, sandbox } from '../sandbox.ts'
import { pulumiUp } from '../stack.ts'
import { handshake, publicCertificate } from '../web.ts'

const minute = 60_000
const settings = '/opt/skerry/current/acme/acme.env'

/** DNS knows the name only after the server has asked for its certificate. */
export function lateDns() {
  test('a certificate that is asked for before the name is in DNS fails with that reason', async () => {
    await deleteRecord('A')
    await deleteRecord('AAAA')
    await beginAnew()
    await assertTold(1, /the CA does not find the address of the name in DNS/)
    // What docs/certificate.md says to do.
    assert.match((await pulumiUp('--refresh')).stdout, /2 created/)
  })
}

/** What else can keep the certificate away, one after the other; after `lateDns`. */
export function lateCertificate() {
  describe('a certificate that is late', { timeout: 8 * minute }, () => {
    after(letPacketsPass)

    test('is asked for again later, and what is in the way now is told', async () => {
      await filterPackets('output', ...toServers('tcp dport 80 drop'))
      await assertTold(2, /the CA does not reach port 80/)
    })

    test('is told to be refused by the authority', async () => {
      await letPacketsPass()
      // Pebble is told never to issue for it.
      await onServer(`sed -i "/^SKERRY_HOSTNAME=/s/=.*/='refused.${instance.zone}'/" ${settings}`)
      await askAtOnce()
      await assertTold(1, /the CA does not issue for this name; in its words: .*forbidden by policy/)
      await onServer(`sed -i "/^SKERRY_HOSTNAME=/s/=.*/='${sandbox().hostname}'/" ${settings}`)
    })

    test('comes by itself once the authority can be reached again', async () => {
      await filterPackets('input', `tcp dport ${edgePorts.acme} drop`)
      await askAtOnce()
      await assertTold(1, /the CA cannot be reached/)
      await letPacketsPass()
      await onServerUntil(`[[ ! -e ${attemptsFile} ]]`)
      assert.match(String((await publicCertificate()).issuer.CN), /^Pebble Intermediate CA/)
      const { state, server } = await readStatus()
      assert.equal(state, 'running')
      assert.match(server.join('\n'), /certificate public, from Pebble Intermediate CA \w+, \d+ days left$/m)
    })
  })
}

/** What a server does before its first certificate. */
const beginAnew = () =>
  onServer(`
    systemctl stop skerry-acme.service
    rm -rf /etc/letsencrypt/*
    /opt/skerry/current/acme/certificate choose
    systemctl reload nginx.service
    systemctl start --no-block skerry-acme.service`)

/** As docs/certificate.md says. */
const askAtOnce = () => onServer(`rm ${attemptsFile} && systemctl restart --no-block skerry-acme`)

/** Waits on the server, which costs less than asking it again and again. */
const onServerUntil = (condition: string) => onServer(`timeout 100 bash -c 'until ${condition}; do sleep 0.5; done'`)

/** Waits until so many attempts have failed, and fails when that keeps anybody out who does not need the certificate. */
async function assertTold(count: 1 | 2, reason: RegExp): Promise<void> {
  await onServerUntil(`grep -qs "\\"count\\":${count}," ${attemptsFile}`)
  const { closed, server } = await readStatus()
  const [told = ''] = server.filter((line) => line.startsWith('certificate '))
  assert.match(told, reason)
  const times = { 1: 'asked once in vain', 2: 'asked 2 times in vain' }[count]
  const next = { 1: 'next attempt in 1 minute,', 2: 'next attempt in 3 minutes,' }[count]
  assert.ok(told.startsWith(`certificate self-signed; ${times}: `) && told.includes(`; ${next}`), told)
  assert.deepEqual(Object.keys(closed).sort(), ['https', 'wss'])
  assert.match((await handshake(443, ['-servername', sandbox().hostname])).output, /self-signed certificate/)
}

/** A rule for the servers' addresses of both families. */
const toServers = (rule: string) => [`ip daddr ${instance.network} ${rule}`, `ip6 daddr ${instance.network6} ${rule}`]
