import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { record } from '../recorder.ts'
import { componentNames, importCommand, recoverCommand } from './adoption.ts'
import { nameTaken } from './names.ts'

const urn =
  'urn:pulumi:prod::skerry::skerry:infra:Environment$skerry:infra:Network$hcloud:index/primaryIp:PrimaryIp::ipv4'

/** What a shell would hand to the engine. */
function handedOver(command: string): { arguments: string[]; document: unknown } {
  const script = `pulumi() { printf '%s\\n' "$@" -- ; cat; }; ${command}`
  const { stdout, status } = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
  assert.equal(status, 0)
  const [parameters = '', document = ''] = stdout.split('--\n{')
  return { arguments: parameters.trim().split('\n'), document: JSON.parse(`{${document}`) }
}

describe('the command that adopts', () => {
  it('hands the engine the resource with the components above it', () => {
    const { arguments: parameters, document } = handedOver(importCommand(urn, '4711'))
    assert.deepEqual(parameters, [
      'import',
      '--yes',
      '--protect=false',
      '--generate-code=false',
      '--file',
      '/dev/stdin',
    ])
    assert.deepEqual(document, {
      resources: [
        { type: 'skerry:infra:Environment', name: 'skerry', component: true },
        { type: 'skerry:infra:Network', name: 'network', component: true, parent: 'skerry' },
        { type: 'hcloud:index/primaryIp:PrimaryIp', name: 'ipv4', id: '4711', parent: 'network' },
      ],
    })
  })

  it('knows the components by the names that the program gives them', async () => {
    const { components } = await record()
    for (const [type, name] of Object.entries(componentNames)) {
      const found = components.filter((one) => one.type === type).map((one) => one.name)
      assert.deepEqual(found, [name], type)
    }
  })
})

it('the command after an up that was killed is the one of the stack, or of the sandbox', () => {
  assert.equal(recoverCommand(urn), 'npm run recover -- --stack prod')
  assert.equal(recoverCommand(urn.replace(':prod:', ':sandbox:')), 'npm run sandbox -- recover')
})

describe('a name that is taken at Hetzner', () => {
  const found = { id: 7, name: 'mqtt.example.com', labels: {} }

  for (const kind of ['primary_ips', 'volumes'] as const) {
    it(`can be adopted with what it stands for: ${kind}`, () => {
      const sentence = nameTaken(kind, found, urn)
      assert.match(sentence, /named mqtt\.example\.com already \(id 7\)\. It was not made by Skerry\./)
      assert.ok(sentence.includes(importCommand(urn, '7')))
      assert.doesNotMatch(sentence, /recover/)
    })
  }

  for (const kind of ['firewalls', 'ssh_keys', 'servers'] as const) {
    it(`must be given up: ${kind}`, () => {
      const sentence = nameTaken(kind, { ...found, labels: { 'managed-by': 'skerry' } }, urn)
      assert.match(sentence, /It was made by Skerry.*killed\. After that one:\n {2}npm run recover -- --stack prod\n/)
      assert.match(sentence, /Delete or rename it/)
      assert.doesNotMatch(sentence, /import/)
    })
  }
})
