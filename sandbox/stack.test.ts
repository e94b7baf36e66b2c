import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { sandboxInstance } from './instance.ts'
import { stackSettings } from './stack.ts'

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
