import assert from 'node:assert/strict'
import { it } from 'node:test'
import { settings } from './fixtures.ts'
import { warnings } from './warnings.ts'

const quiet = { ...settings, plainMqtt: false }

it('settings that are tested and safe need no warning', () => assert.deepEqual(warnings(quiet), []))

for (const [changed, sentence] of [
  [{ plainMqtt: true }, /^Plain MQTT is open: .*pulumi config set skerry:plainMqtt false$/],
  [{ image: 'ubuntu-24.04' }, /^The image ubuntu-24\.04 is not tested: .*skerry:image debian-13$/],
  [{ serverType: 'cax11', architecture: 'arm' }, /^ARM servers are not tested: .*cax11.*skerry:serverType cx23$/],
  [{ acknowledge: 'written' }, /^Messages are acknowledged before .*power cut.*skerry:acknowledge synced$/],
  [{ protect: false }, /^Nothing is protected: .*skerry:protect true$/],
] as const) {
  it(`a warning with a remedy goes with ${JSON.stringify(changed)}`, () => {
    const [first = '', ...others] = warnings({ ...quiet, ...changed })
    assert.match(first, sentence)
    assert.deepEqual(others, [])
  })
}

it('Debian 12 is as tested as Debian 13', () => assert.deepEqual(warnings({ ...quiet, image: 'debian-12' }), []))
