import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Change, changesTable, effect, meanings, type Step } from './changes-table.ts'

const step = (op: string, type: string, name: string): Step => ({
  op,
  urn: `urn:pulumi:sandbox::skerry::skerry:infra:Environment$skerry:infra:Part$${type}::${name}`,
})
const tell = (...steps: Step[]) => effect({ steps, refusal: undefined })

describe('the effect of a change', () => {
  it('is told in words, by what is done', () => {
    assert.equal(
      tell(
        step('update', 'hcloud:index/firewall:Firewall', 'firewall'),
        step('replace', 'hcloud:index/volumeAttachment:VolumeAttachment', 'data'),
        step('replace', 'hcloud:index/server:Server', 'server'),
        step('same', 'hcloud:index/volume:Volume', 'data'),
      ),
      "updated: firewall; replaced: server, volume's attachment",
    )
  })

  it('is the same for a command that is updated or replaced', () => {
    for (const op of ['update', 'replace']) {
      assert.equal(tell(step(op, 'command:remote:Command', 'apply')), 'done again: applying the release')
    }
  })

  it('names an authority once', () => {
    assert.equal(
      tell(
        step('create', 'tls:index/privateKey:PrivateKey', 'root-ca-2'),
        step('create', 'tls:index/locallySignedCert:LocallySignedCert', 'issuing-ca-2'),
        step('create', 'skerry:infra:Authority', 'authority-2'),
        step('replace', 'tls:index/locallySignedCert:LocallySignedCert', 'broker'),
      ),
      'made: authority 2; replaced: certificate of broker',
    )
  })

  it('is nothing where all stays', () =>
    assert.equal(tell(step('same', 'hcloud:index/server:Server', 'server')), 'nothing'))

  it('may be a refusal, whatever its reason', () => {
    assert.equal(effect({ steps: [step('create', 'hcloud:index/server:Server', 'server')], refusal: 'no' }), 'refused')
  })
})

const changes: Change[] = [
  { setting: 'image', to: 'a|b', steps: [], refusal: undefined, meaning: 'Later.' },
  { setting: 'volumeSize', to: '`5`', steps: [], refusal: 'no', meaning: 'Never.' },
]

it('the table has a row a change, aligned, and no bar in a cell breaks it', () => {
  assert.equal(
    changesTable(changes),
    [
      '| setting      | changed to | what `up` does |',
      '| ------------ | ---------- | -------------- |',
      '| `image`      | a\\|b       | nothing        |',
      '| `volumeSize` | `5`        | refused        |',
    ].join('\n'),
  )
})

it('each change is explained', () => {
  assert.equal(meanings(changes), '- **`image`**, a|b: Later.\n- **`volumeSize`**, `5`: Never.')
})
