import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { sandboxInstance } from './instance.ts'
import { openStack, stackSettings } from './stack.ts'

const checkedIn = await readFile(join(import.meta.dirname, '..', 'Pulumi.sandbox.yaml'), 'utf8')

test('another instance gets addresses and names of its own, and none of instance 0', () => {
  const settings = stackSettings(checkedIn, sandboxInstance(12))
  assert.doesNotMatch(settings.replaceAll(/^\s*#.*$/gm, ''), /10\.77\.0\.|a700::|[^0-9]skerry\.test/)
  const { config } = parse(settings)
  assert.equal(config['skerry:hostname'], 'mqtt.skerry12.test')
  assert.equal(config['hcloud:endpoint'], 'http://10.77.12.1:8001/v1')
  assert.deepEqual(config['skerry:sshNetworks'], ['10.77.12.1/32', 'fd3b:6c1e:a70c::1/128'])
})

test('instance 0 has what the checked-in file says, but for the id of the zone', () => {
  const withoutZone = (text: string) => {
    const { config } = parse(text)
    delete config['skerry:cloudflareZoneId']
    return config
  }
  assert.deepEqual(withoutZone(stackSettings(checkedIn, sandboxInstance(0))), withoutZone(checkedIn))
})

test('an engine that was killed is told from one that failed, with what to do', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-stack-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const pulumi = join(directory, 'pulumi')
  await writeFile(pulumi, '#!/bin/sh\necho "$1" has begun\n[ "$1" = up ] && kill -KILL $$\nexit 1\n', { mode: 0o755 })
  const instance = { ...sandboxInstance(78), directory: join(directory, 'instance') }
  const stack = await openStack(instance, { pulumi, version: '3.200.0', origin: 'built' })
  const killed = { message: 'pulumi up was killed (SIGKILL). Put the state in order: npm run sandbox -- recover' }
  await assert.rejects(
    stack.run(['up'], () => {}),
    killed,
  )
  await assert.rejects(
    stack.run(['destroy'], () => {}),
    /^Error: pulumi destroy failed:\n\ndestroy has begun\n/,
  )
})
