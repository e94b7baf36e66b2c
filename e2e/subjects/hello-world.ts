import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { forge } from '../certificates.ts'
import { adminDoor, certificateDoor, passwordDoor, tryPassword } from '../doors.ts'
import { type Door, publish, subscribe, versions } from '../mosquitto.ts'
import { sandbox } from '../sandbox.ts'

const minute = 60_000

export function helloWorld() {
  for (const version of versions) {
    describe(`hello world with Mosquitto's clients, ${version}`, { timeout: 3 * minute }, () => {
      let directory: string
      let tryDoor: Door
      before(async () => {
        directory = await mkdtemp(join(tmpdir(), 'skerry-e2e-'))
        tryDoor = await passwordDoor(version, join(directory, 'right'), await tryPassword())
      })
      after(() => rm(directory, { recursive: true, force: true }))

      test('8883 serves the admin certificate on any topic', async () => {
        await using subscription = await subscribe(adminDoor(version), 'house/#')
        const published = await publish(adminDoor(version), 'house/hello', 'hello world')
        assert.equal(published.exitCode, 0, published.output)
        assert.deepEqual(await subscription.next(), { topic: 'house/hello', payload: 'hello world' })
      })

      test('1883 serves the password of the try user, and both doors lead into one broker', async () => {
        await using fromTry = await subscribe(tryDoor, 'try/#')
        await using fromAdmin = await subscribe(adminDoor(version), 'try/#')
        const published = await publish(tryDoor, 'try/hello', 'hello world')
        assert.equal(published.exitCode, 0, published.output)
        const message = { topic: 'try/hello', payload: 'hello world' }
        assert.deepEqual(await Promise.all([fromTry.next(), fromAdmin.next()]), [message, message])
      })

      test('8883 refuses a client without a certificate', async () => {
        await assertRefused(certificateDoor(version))
      })

      test('8883 refuses a certificate of another authority that bears the same names', async () => {
        const { certificate, key } = await forge(directory, sandbox().adminCertificateFile)
        await assertRefused(certificateDoor(version, certificate, key))
      })

      test('1883 refuses a wrong password and a client without one', async () => {
        const wrong = await passwordDoor(version, join(directory, 'wrong'), `${await tryPassword()}x`)
        assert.match(await assertRefused(wrong), /not authori[sz]ed|bad user name or password/i)
        const { configuration: _, ...anonymous } = tryDoor
        assert.match(await assertRefused(anonymous), /not authori[sz]ed|bad user name or password/i)
      })

      test('the try user reads and writes under its own name only', async () => {
        await assert.rejects(subscribe(tryDoor, 'house/#'))
        await assert.rejects(subscribe(tryDoor, '#'))
        await using all = await subscribe(adminDoor(version), '#')
        await publish(tryDoor, 'house/door', 'open')
        await publish(tryDoor, 'try', 'the level above')
        await publish(tryDoor, 'tryst/door', 'a name that begins alike')
        await publish(tryDoor, 'try/after', 'those')
        // QoS 1 in this order: what was let through would have come first.
        const first = await all.next()
        const message = first.topic === 'try' ? await all.next() : first
        assert.deepEqual(message, { topic: 'try/after', payload: 'those' })
      })
    })
  }
}

/** A refused client publishes nothing; @returns what it printed */
async function assertRefused(door: Door): Promise<string> {
  await using witness = await subscribe(adminDoor(door.version), 'try/#')
  const refused = await publish(door, 'try/refused', 'must not arrive')
  assert.ok(refused.exitCode, `ended with ${refused.exitCode}: ${refused.output}`)
  const accepted = await publish(adminDoor(door.version), 'try/accepted', 'arrives')
  assert.equal(accepted.exitCode, 0, accepted.output)
  assert.deepEqual(await witness.next(), { topic: 'try/accepted', payload: 'arrives' })
  return refused.output
}
