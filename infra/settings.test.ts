import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settings } from './fixtures.ts'
import { checkSettings } from './settings.ts'

const hcloudToken = 'h'.repeat(64)
const cloudflareToken = 'c'.repeat(40)
const users = JSON.stringify(settings.users)

const required: Record<string, string> = {
  'skerry:hostname': 'mqtt.example.com',
  'skerry:cloudflareZoneId': settings.cloudflareZoneId,
  'skerry:sshNetworks': '["203.0.113.7/32"]',
  'skerry:acmeEmail': 'operator@example.com',
  'hcloud:token': hcloudToken,
  'cloudflare:apiToken': cloudflareToken,
}

interface Circumstances {
  readonly plain?: readonly string[]
  readonly environment?: Record<string, string>
}

/** Checks the required settings with some changed; undefined takes one away. */
function check(changed: Record<string, string | undefined> = {}, { plain = [], environment = {} }: Circumstances = {}) {
  const values = Object.fromEntries(
    Object.entries({ ...required, ...changed }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  const secretKeys = new Set(
    ['hcloud:token', 'cloudflare:apiToken', 'skerry:users'].filter((key) => !plain.includes(key)),
  )
  return checkSettings({ values, secretKeys, environment })
}

function report(...parameters: Parameters<typeof check>): string {
  try {
    check(...parameters)
  } catch (error) {
    assert.ok(error instanceof Error)
    return error.message
  }
  return assert.fail('these settings should be refused')
}

describe('settings', () => {
  it('need five values and have a default for everything else', () => {
    assert.deepEqual(check(), {
      hostname: 'mqtt.example.com',
      cloudflareZoneId: settings.cloudflareZoneId,
      location: 'hel1',
      serverType: 'cx23',
      image: 'debian-13',
      volumeSize: 10,
      sshNetworks: ['203.0.113.7/32'],
      acmeEmail: 'operator@example.com',
      acmeDirectory: 'https://acme-v02.api.letsencrypt.org/directory',
      caaIssuer: 'letsencrypt.org',
      plainMqtt: true,
      acknowledge: 'synced',
      users: {},
      generation: 1,
      authorities: [1],
      protect: true,
      architecture: 'x86',
    })
  })

  it('turn text into values', () => {
    const {
      plainMqtt,
      acknowledge,
      users: found,
      generation,
      sshNetworks,
    } = check({
      'skerry:plainMqtt': 'false',
      'skerry:acknowledge': 'written',
      'skerry:users': users,
      'skerry:generation': '12',
      'skerry:sshNetworks': '["2001:DB8::/32","2001:db8::/32","10.0.0.0/8"]',
    })
    assert.deepEqual(
      { plainMqtt, acknowledge, generation },
      { plainMqtt: false, acknowledge: 'written', generation: 12 },
    )
    assert.deepEqual(found, settings.users)
    assert.deepEqual(sshNetworks, ['2001:db8::/32', '10.0.0.0/8'])
  })

  it('derive the architecture from the server type', () => {
    assert.equal(check({ 'skerry:serverType': 'cax11' }).architecture, 'arm')
    for (const type of ['cx23', 'cpx11', 'ccx13'])
      assert.equal(check({ 'skerry:serverType': type }).architecture, 'x86')
  })

  it('take the tokens from the environment', () => {
    const environment = { HCLOUD_TOKEN: hcloudToken, CLOUDFLARE_API_TOKEN: cloudflareToken }
    assert.ok(check({ 'hcloud:token': undefined, 'cloudflare:apiToken': undefined }, { environment }))
  })

  it('leave alone what belongs to somebody else', () => {
    assert.ok(check({ 'hcloud:endpoint': 'http://10.77.0.1:8001/v1', 'other:thing': 'x' }))
  })

  it('name every mistake at once, each with what is allowed and a command', () => {
    const text = report({
      'skerry:hostname': undefined,
      'skerry:location': 'nbg2',
      'skerry:sshNetworks': '["0.0.0.0/0","10.0.0.1"]',
      'skerry:plainMqtt': 'yes',
    })
    assert.equal(
      text,
      `4 settings are wrong; nothing was changed.

  skerry:hostname is missing
    allowed: a full host name of at most 64 characters: lower-case letters, digits and hyphens, with a domain
    pulumi config set skerry:hostname mqtt.example.com

  skerry:location is "nbg2"
    allowed: one of hel1, fsn1, nbg1, ash, hil, sin
    pulumi config set skerry:location hel1

  skerry:sshNetworks is not usable: "0.0.0.0/0" would open SSH to the whole internet: whoever may log in here controls the server, so name only the networks you work from (/8 or longer); "10.0.0.1" has no prefix length: for this one address write 10.0.0.1/32
    allowed: a list of 1 to 100 networks in CIDR notation, those you deploy from
    pulumi config set --path 'skerry:sshNetworks[0]' 203.0.113.7/32

  skerry:plainMqtt is "yes"
    allowed: true or false
    pulumi config set skerry:plainMqtt false`,
    )
  })

  it('count one mistake in the singular', () => {
    assert.match(report({ 'skerry:generation': '0' }), /^One setting is wrong; nothing was changed\./)
  })
})

describe('each setting', () => {
  const longest = `${'a'.repeat(52)}.example.com`
  const accepted: Record<string, string[]> = {
    'skerry:hostname': ['a.b', longest, '1.2.example', 'xn--bcher-kva.example'],
    'skerry:location': ['hel1', 'fsn1', 'nbg1', 'ash', 'hil', 'sin'],
    'skerry:image': ['debian-13', 'debian-12', 'ubuntu-24.04'],
    'skerry:volumeSize': ['10', '10240'],
    'skerry:authorities': ['[1]', '[99]', '[2,1]', '[3,1,2]'],
    'skerry:protect': ['true', 'false'],
    'skerry:generation': ['1', '999999'],
    'skerry:acmeDirectory': ['https://acme-staging-v02.api.letsencrypt.org/directory'],
    'skerry:caaIssuer': ['letsencrypt.org'],
    'skerry:users': ['{}'],
  }
  for (const [key, values] of Object.entries(accepted)) {
    for (const value of values) it(`${key} takes ${value}`, () => assert.ok(check({ [key]: value })))
  }

  const refused: Record<string, (string | undefined)[]> = {
    'skerry:hostname': [
      undefined,
      '',
      'localhost',
      'MQTT.example.com',
      `a${longest}`,
      'a_b.example',
      '-a.example',
      'a..b',
    ],
    'skerry:cloudflareZoneId': [undefined, '', 'a'.repeat(31), 'a'.repeat(33), 'G'.repeat(32), 'A'.repeat(32)],
    'skerry:location': ['', 'HEL1', 'hel1-dc2'],
    'skerry:serverType': ['', 'cx', 'cx2', 'CX23', 'cx23 ', 't3.micro'],
    'skerry:image': ['', 'debian-11', 'ubuntu-26.04', 'windows'],
    'skerry:volumeSize': ['', '9', '10241', '99999', '010', '10.5', '20GB'],
    'skerry:authorities': ['', '1', '[]', '[0]', '[100]', '[1.5]', '["1"]', '[1,1]', '[1,2,3,4]'],
    'skerry:protect': ['', 'no', '0'],
    'skerry:sshNetworks': [
      undefined,
      '',
      '[]',
      '203.0.113.7/32',
      '[7]',
      '{}',
      JSON.stringify(Array(101).fill('10.0.0.0/8')),
    ],
    'skerry:acmeEmail': [undefined, '', 'operator', 'a@b', 'a b@example.com', "o'x@example.com"],
    'skerry:acmeDirectory': [
      '',
      'http://acme.example/dir',
      'acme.example',
      'https://acme.example/"x"',
      'https://a b/',
      'https://a.example/%i',
    ],
    'skerry:caaIssuer': ['', 'other.example', ';'],
    'skerry:plainMqtt': ['', 'yes', '1', 'True'],
    'skerry:acknowledge': ['', 'Synced', 'true', 'none'],
    'skerry:users': ['', '[]', '{"a":1}', '"x"'],
    'skerry:generation': ['', '0', '-1', '1.5', '1000000', 'two', '01'],
    'hcloud:token': [undefined, '', 'h'.repeat(63), 'h'.repeat(65), `${'h'.repeat(63)}-`],
    'cloudflare:apiToken': [undefined, '', 'c'.repeat(39), 'c'.repeat(81), `${'c'.repeat(40)} `],
  }
  // An address like this one on every host means "the last label is a number": no host name.
  refused['skerry:hostname']?.push('192.0.2.1')
  for (const [key, values] of Object.entries(refused)) {
    for (const value of values) {
      it(`${key} refuses ${JSON.stringify(value)?.slice(0, 40) ?? 'to be missing'}`, () => {
        const text = report({ [key]: value })
        assert.match(text, /^One setting is wrong/)
        assert.ok(text.includes(`\n  ${key} `), text)
        assert.match(text, /\n {4}allowed: ./)
        assert.match(text, /\n {4}(?:npm run .* \| )?pulumi config (?:set|rm) ./)
      })
    }
  }
})

describe('an unknown key', () => {
  it('is a mistake, with the key that was meant', () => {
    const text = report({ 'skerry:hostName': 'x', 'skerry:sshNetwork': '[]' })
    assert.match(text, /^2 settings/)
    assert.match(text, /skerry:hostName is not a setting \(did you mean skerry:hostname\?\)/)
    assert.match(text, /skerry:sshNetwork is not a setting \(did you mean skerry:sshNetworks\?\)/)
    assert.match(text, /pulumi config rm skerry:hostName/)
  })

  it('gets no guess when nothing is near', () => {
    assert.match(report({ 'skerry:zzzzzzzzzz': 'x' }), /skerry:zzzzzzzzzz is not a setting\n/)
  })

  it('may be the name of something that every object has', () => {
    assert.match(report({ 'skerry:constructor': 'x' }), /skerry:constructor is not a setting/)
  })
})

describe('the CAA issuer', () => {
  const directory = { 'skerry:acmeDirectory': 'https://acme.example:14000/dir' }

  it('must be given for a directory that is not known', () => {
    assert.match(report(directory), /skerry:caaIssuer is missing, and which authority is behind skerry:acmeDirectory/)
    assert.equal(check({ ...directory, 'skerry:caaIssuer': 'acme.example' }).caaIssuer, 'acme.example')
  })

  it('must not shut out the authority of a directory that is known', () => {
    assert.match(report({ 'skerry:caaIssuer': 'pki.goog' }), /is "pki\.goog", which forbids/)
  })

  it('is named once when it is malformed', () => {
    assert.match(report({ ...directory, 'skerry:caaIssuer': 'a b' }), /^One setting is wrong/)
  })
})

describe('a secret', () => {
  const secretOf: Record<string, string> = {
    'hcloud:token': 'tokenofhetznerwithamistake',
    'cloudflare:apiToken': 'token of cloudflare with a mistake',
    'skerry:users': '{"gateway":"a password in plain text"}',
  }
  for (const [key, value] of Object.entries(secretOf)) {
    it(`is not shown when ${key} is wrong`, () => {
      const text = report({ [key]: value })
      assert.match(text, /not shown/)
      assert.ok(!text.includes('mistake') && !text.includes('plain text'), text)
    })
  }

  for (const [key, value] of Object.entries({ ...required, 'skerry:users': users })) {
    if (!(key in secretOf)) continue
    it(`must be encrypted: ${key}`, () => {
      const text = report({ [key]: value }, { plain: [key] })
      assert.match(text, /is not encrypted/)
      assert.match(text, /pulumi config set --secret/)
      assert.ok(!text.includes(value), text)
    })
  }

  it('is not shown when it comes from the environment', () => {
    const text = report({ 'hcloud:token': undefined }, { environment: { HCLOUD_TOKEN: 'short' } })
    assert.match(text, /hcloud:token \(from HCLOUD_TOKEN\) does not look like a token \(not shown\)/)
    assert.ok(!text.includes('short'))
  })
})

it('a value is shown quoted and cut short', () => {
  const text = report({ 'skerry:location': `\u001b[31m${'x'.repeat(200)}` })
  assert.match(text, /skerry:location is "\\u001b\[31mx{75}…"/)
})
