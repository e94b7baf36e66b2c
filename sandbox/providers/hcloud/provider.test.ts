import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { CallError, driveProvider } from '../driver.ts'
import { type Exchange, type Recorder, startRecorder } from '../recorder.ts'
import { conceal, type Properties, secretNames } from '../values.ts'
import { hcloudProvider } from './provider.ts'

const token = 't'.repeat(64)
const done = (id: number): Properties => ({ id, command: 'act', status: 'success', progress: 100, error: null })
const pending = (id: number): Properties => ({ ...done(id), status: 'running', progress: 50 })
const failed = (id: number): Properties => ({
  ...done(id),
  status: 'error',
  error: { code: 'action_failed', message: 'Action failed' },
})
const poll = (id: number, answer: Properties): Exchange => ({
  request: `GET /v1/actions?id=${id}&page=1&sort=status&sort=id`,
  answer: { actions: [answer] },
})
const apiError = (code: string, message: string): Properties => ({ error: { code, message, details: {} } })

let recorder: Recorder
before(async () => {
  recorder = await startRecorder()
})
after(() => recorder.close())

const drive = (type: string) =>
  driveProvider(hcloudProvider, type, { token, endpoint: `${recorder.url}/v1`, pollInterval: '5ms' })

/** Runs a test's body with a provider, and checks that exactly the expected requests have come. */
async function playing<T>(
  type: string,
  exchanges: readonly Exchange[],
  work: (provider: Awaited<ReturnType<typeof drive>>) => Promise<T>,
) {
  const provider = await drive(type)
  recorder.expect(exchanges)
  try {
    const result = await work(provider)
    recorder.verify()
    return result
  } finally {
    provider.close()
  }
}

describe('hcloud token', () => {
  test('is refused before any request unless it has 64 characters', async () => {
    await playing('hcloud:index/server:Server', [], async (provider) => {
      for (const length of [0, 63, 65]) {
        const [failure] = await provider.checkConfig({ token: 'x'.repeat(length) })
        assert.match(failure ?? '', /exactly 64 characters/)
        assert.ok(!failure?.includes('xxx'), 'the token is not repeated')
      }
      assert.deepEqual(await provider.checkConfig({ token }), [])
      await assert.rejects(provider.configure({ token: 'short' }), /exactly 64 characters/)
    })
  })
})

describe('hcloud.SshKey', () => {
  const type = 'hcloud:index/sshKey:SshKey'
  const key = { id: 7, name: 'deploy', public_key: 'ssh-ed25519 AAAA', fingerprint: 'aa:bb', labels: { a: 'b' } }

  test('is created without being read afterwards', async () => {
    const created = await playing(
      type,
      [
        {
          request: 'POST /v1/ssh_keys',
          body: { name: 'deploy', public_key: 'ssh-ed25519 AAAA\n', labels: { a: 'b' } },
          status: 201,
          answer: { ssh_key: key },
        },
      ],
      (provider) => provider.create({ name: 'deploy', publicKey: 'ssh-ed25519 AAAA\n', labels: { a: 'b' } }),
    )
    assert.equal(created.id, '7')
    assert.deepEqual(created.outputs, {
      name: 'deploy',
      publicKey: 'ssh-ed25519 AAAA\n',
      fingerprint: 'aa:bb',
      labels: { a: 'b' },
    })
    assert.deepEqual([...recorder.tokens], [`Bearer ${token}`])
  })

  test('gets a name of its own when it has none, and keeps it', async () => {
    await playing(type, [], async (provider) => {
      const { inputs } = await provider.check({ publicKey: 'ssh-ed25519 AAAA' })
      assert.match(String(inputs.name), /^thing-[0-9a-f]{7}$/)
      const again = await provider.check({ publicKey: 'ssh-ed25519 AAAA' }, inputs)
      assert.equal(again.inputs.name, inputs.name)
      const diff = await provider.diff('7', inputs, { ...again.inputs, publicKey: 'ssh-ed25519 BBBB' })
      assert.deepEqual(diff.replaces, ['publicKey'])
      assert.equal(diff.deleteBeforeReplace, false)
    })
  })

  test('with a name given by hand is deleted before it is replaced', async () => {
    await playing(type, [], async (provider) => {
      const { inputs } = await provider.check({ name: 'deploy', publicKey: 'ssh-ed25519 AAAA' })
      const diff = await provider.diff('7', inputs, { ...inputs, publicKey: 'ssh-ed25519 BBBB' })
      assert.equal(diff.deleteBeforeReplace, true)
      assert.deepEqual(diff.details, { publicKey: 'UPDATE_REPLACE' })
    })
  })

  test('fails at once with the message of the API', async () => {
    const cases: [number, Properties, RegExp][] = [
      [401, apiError('unauthorized', 'unable to authenticate'), /unable to authenticate \(unauthorized\)/],
      [409, apiError('uniqueness_error', 'name is already used'), /name is already used/],
      [
        422,
        {
          error: {
            code: 'invalid_input',
            message: 'invalid input in field',
            details: { fields: [{ name: 'public_key', messages: ['is bad'] }] },
          },
        },
        /invalid input in field \(invalid_input\); public_key: is bad/,
      ],
      [500, apiError('server_error', 'oh'), /oh \(server_error\)/],
      [503, apiError('unavailable', 'later'), /later \(unavailable\)/],
    ]
    for (const [status, answer, message] of cases) {
      const exchange = {
        request: 'POST /v1/ssh_keys',
        body: { name: 'n', public_key: 'k', labels: {} },
        status,
        answer,
      }
      await playing(type, [exchange], (provider) =>
        assert.rejects(provider.create({ name: 'n', publicKey: 'k' }), message),
      )
    }
  })

  test('is asked for again when there were too many requests', async () => {
    const request = { request: 'POST /v1/ssh_keys', body: { name: 'n', public_key: 'k', labels: {} } }
    const limited = { ...request, status: 429, answer: apiError('rate_limit_exceeded', 'slow down') }
    await playing(type, [limited, { ...request, answer: { ssh_key: key } }], (provider) =>
      provider.create({ name: 'n', publicKey: 'k' }),
    )
  })

  test('that is gone is told to the engine, and its deletion fails', async () => {
    const gone = { status: 404, answer: apiError('not_found', 'SSH key not found') }
    await playing(
      type,
      [
        { request: 'GET /v1/ssh_keys/7', ...gone },
        { request: 'DELETE /v1/ssh_keys/7', ...gone },
      ],
      async (provider) => {
        assert.equal((await provider.read('7', {}, {})).id, '')
        await assert.rejects(provider.delete('7', {}), /not_found/)
      },
    )
  })
})

describe('hcloud.Firewall', () => {
  const type = 'hcloud:index/firewall:Firewall'
  const inputs: Properties = {
    name: 'web',
    labels: {},
    rules: [
      { direction: 'in', protocol: 'tcp', port: '443', sourceIps: ['0.0.0.0/0', '::/0'] },
      { direction: 'in', protocol: 'icmp', sourceIps: ['0.0.0.0/0'], description: 'ping' },
    ],
  }
  const apiRules = [
    { direction: 'in', source_ips: ['0.0.0.0/0', '::/0'], protocol: 'tcp', port: '443' },
    { direction: 'in', source_ips: ['0.0.0.0/0'], protocol: 'icmp', description: 'ping' },
  ]
  const stored: Properties = {
    id: 3,
    name: 'web',
    labels: {},
    rules: [
      {
        direction: 'in',
        protocol: 'icmp',
        port: null,
        source_ips: ['0.0.0.0/0'],
        destination_ips: [],
        description: 'ping',
      },
      {
        direction: 'in',
        protocol: 'tcp',
        port: '443',
        source_ips: ['::/0', '0.0.0.0/0'],
        destination_ips: [],
        description: null,
      },
    ],
    applied_to: [],
  }
  const read = { request: 'GET /v1/firewalls/3', answer: { firewall: stored } }

  test('is created and read; a refresh right after changes nothing', async () => {
    const create = {
      request: 'POST /v1/firewalls',
      body: { name: 'web', labels: {}, rules: apiRules },
      answer: { firewall: stored, actions: [] },
    }
    await playing(type, [create, read, read], async (provider) => {
      const { id, outputs } = await provider.create(inputs)
      assert.equal(id, '3')
      const refreshed = await provider.read(id, inputs, outputs)
      assert.deepEqual(refreshed.outputs, outputs)
      assert.deepEqual(refreshed.inputs, inputs)
      assert.equal((await provider.diff(id, refreshed.inputs, inputs, outputs)).changes, false)
    })
  })

  test('shows a rule that was changed elsewhere after a refresh', async () => {
    const changed = { ...stored, rules: [{ direction: 'in', protocol: 'tcp', port: '22', source_ips: ['0.0.0.0/0'] }] }
    await playing(type, [{ ...read, answer: { firewall: changed } }], async (provider) => {
      const refreshed = await provider.read('3', inputs, {})
      const diff = await provider.diff('3', refreshed.inputs, inputs)
      assert.equal(diff.changes, true)
      assert.deepEqual(diff.replaces, [])
    })
  })

  test('takes the order of rules and addresses for no difference', async () => {
    await playing(type, [], async (provider) => {
      const rules = [...(inputs.rules as Properties[])].reverse()
      assert.equal((await provider.diff('3', inputs, { ...inputs, rules })).changes, false)
    })
  })

  test('gets changed rules by set_rules', async () => {
    const after = { ...inputs, rules: [{ direction: 'in', protocol: 'tcp', port: '80', sourceIps: ['0.0.0.0/0'] }] }
    const body = { rules: [{ direction: 'in', source_ips: ['0.0.0.0/0'], protocol: 'tcp', port: '80' }] }
    const exchanges = [
      read,
      { request: 'POST /v1/firewalls/3/actions/set_rules', body, answer: { actions: [pending(9)] } },
      poll(9, pending(9)),
      poll(9, done(9)),
      read,
    ]
    await playing(type, exchanges, (provider) => provider.update('3', inputs, after, {}))
  })

  test('is taken from the servers that have it before it is deleted', async () => {
    const applied = { ...stored, applied_to: [{ type: 'server', server: { id: 11 }, applied_to_resources: [] }] }
    const exchanges: Exchange[] = [
      { ...read, answer: { firewall: applied } },
      {
        request: 'POST /v1/firewalls/3/actions/remove_from_resources',
        body: { remove_from: [{ type: 'server', server: { id: 11 } }] },
        answer: { actions: [pending(5)] },
      },
      poll(5, done(5)),
      { request: 'DELETE /v1/firewalls/3', status: 409, answer: apiError('resource_in_use', 'still in use') },
      { request: 'DELETE /v1/firewalls/3', status: 204 },
    ]
    await playing(type, exchanges, (provider) => provider.delete('3', {}))
  })
})

describe('hcloud.PrimaryIp', () => {
  const type = 'hcloud:index/primaryIp:PrimaryIp'
  const address = (more: Properties): Properties => ({
    id: 4,
    name: 'ip',
    type: 'ipv4',
    ip: '192.0.2.1',
    labels: {},
    auto_delete: false,
    assignee_id: null,
    assignee_type: 'server',
    protection: { delete: false },
    location: { name: 'hel1' },
    ...more,
  })

  test('of IPv4 is created with its protection and read', async () => {
    const exchanges: Exchange[] = [
      {
        request: 'POST /v1/primary_ips',
        body: { name: 'ip', type: 'ipv4', labels: {}, auto_delete: false, location: 'hel1' },
        answer: { primary_ip: address({}), action: null },
      },
      {
        request: 'POST /v1/primary_ips/4/actions/change_protection',
        body: { delete: true },
        answer: { action: pending(2) },
      },
      poll(2, done(2)),
      { request: 'GET /v1/primary_ips/4', answer: { primary_ip: address({ protection: { delete: true } }) } },
    ]
    const { outputs } = await playing(type, exchanges, (provider) =>
      provider.create({ name: 'ip', type: 'ipv4', location: 'hel1', deleteProtection: true }),
    )
    assert.equal(outputs.ipAddress, '192.0.2.1')
    assert.equal(outputs.deleteProtection, true)
    assert.equal(outputs.ipNetwork, undefined)
  })

  test('of IPv6 tells the bare network as its address', async () => {
    const answer = { primary_ip: address({ type: 'ipv6', ip: '2001:db8:3ea::/64' }) }
    const { outputs } = await playing(type, [{ request: 'GET /v1/primary_ips/4', answer }], (provider) =>
      provider.read('4', {}, {}),
    )
    assert.equal(outputs.ipAddress, '2001:db8:3ea::')
    assert.equal(outputs.ipNetwork, '2001:db8:3ea::/64')
  })

  test('that is protected is not deleted', async () => {
    const refusal = {
      request: 'DELETE /v1/primary_ips/4',
      status: 409,
      answer: apiError('protected', 'Primary IP is protected'),
    }
    await playing(type, [refusal], (provider) => assert.rejects(provider.delete('4', {}), /is protected \(protected\)/))
  })
})

describe('hcloud.Server', () => {
  const type = 'hcloud:index/server:Server'
  const userData = '#cloud-config\nhostname: mqtt\n'
  const inputs: Properties = {
    name: 'mqtt',
    serverType: 'cx23',
    image: 'debian-13',
    location: 'hel1',
    sshKeys: ['7'],
    userData,
    labels: { generation: '1' },
    firewallIds: [3],
    publicNets: [{ ipv4Enabled: true, ipv4: 4, ipv6Enabled: false }],
  }
  const stored = (more: Properties = {}): Properties => ({
    id: 11,
    name: 'mqtt',
    status: 'running',
    server_type: { id: 1, name: 'cx23' },
    image: { id: 99, name: 'debian-13' },
    location: { name: 'hel1' },
    labels: { generation: '1' },
    primary_disk_size: 40,
    backup_window: null,
    protection: { delete: false, rebuild: false },
    public_net: { ipv4: { id: 4, ip: '192.0.2.1' }, ipv6: null, firewalls: [{ id: 3, status: 'applied' }] },
    ...more,
  })
  const look = (more?: Properties) => ({ request: 'GET /v1/servers/11', answer: { server: stored(more) } })
  const lookUps: Exchange[] = [
    {
      request: 'GET /v1/server_types?name=cx23',
      answer: { server_types: [{ id: 1, name: 'cx23', architecture: 'x86' }] },
    },
    {
      request: 'GET /v1/images?architecture=x86&include_deprecated=true&name=debian-13',
      answer: { images: [{ id: 99, name: 'debian-13' }] },
    },
    { request: 'GET /v1/ssh_keys/7', answer: { ssh_key: { id: 7 } } },
  ]
  const order = (answer: Properties): Exchange => ({
    request: 'POST /v1/servers',
    body: {
      name: 'mqtt',
      server_type: 'cx23',
      image: 99,
      ssh_keys: [7],
      location: 'hel1',
      user_data: userData,
      labels: { generation: '1' },
      firewalls: [{ firewall: 3 }],
      public_net: { enable_ipv4: true, enable_ipv6: false, ipv4: 4 },
    },
    status: 201,
    answer,
  })
  const created = {
    server: stored({ status: 'initializing' }),
    action: pending(1),
    next_actions: [pending(2)],
    root_password: null,
  }

  test('is looked up, ordered, waited for and read; its user data stays out of the state', async () => {
    const exchanges = [...lookUps, order(created), poll(1, pending(1)), poll(1, done(1)), poll(2, done(2)), look()]
    const { id, outputs } = await playing(type, exchanges, (provider) => provider.create(conceal(inputs, ['userData'])))
    assert.equal(id, '11')
    assert.deepEqual(secretNames(outputs), ['userData'])
    const { userData: kept, ...rest } = outputs
    assert.deepEqual(kept, conceal({ value: createHash('sha1').update(userData).digest('base64') }, ['value']).value)
    assert.equal(rest.ipv4Address, '192.0.2.1')
    assert.equal(rest.status, 'running')
    assert.deepEqual(rest.publicNets, inputs.publicNets)
  })

  test('in a preview asks nothing and tells what is unknown', async () => {
    await playing(type, [], async (provider) => {
      const { outputs } = await provider.create(inputs, true)
      assert.equal(outputs.ipv4Address, '04da6b54-80e4-46f7-96ec-b56ff0331ba9')
      assert.equal(outputs.name, 'mqtt')
      const { inputs: checked } = await provider.check(inputs)
      assert.equal((await provider.diff('11', checked, checked)).changes, false)
    })
  })

  test('stays in the state when its creation fails half way, and is not ordered again', async () => {
    const exchanges = [...lookUps, order(created), poll(1, failed(1))]
    const error = await playing(type, exchanges, (provider) => provider.create(inputs).catch((reason) => reason))
    assert.ok(error instanceof CallError)
    assert.match(error.message, /Action failed \(action_failed, 1\)/)
    assert.equal(error.partly?.id, '11')
    assert.equal(error.partly?.outputs.name, 'mqtt')
    const outputs = await playing(type, [look()], (provider) =>
      provider.update('11', inputs, inputs, error.partly?.outputs ?? {}),
    )
    assert.equal(outputs.status, 'running')
  })

  test('is replaced by other user data, image, keys or location, and deleted first when it has a name', async () => {
    await playing(type, [], async (provider) => {
      const changes: Properties = { userData: 'other', image: 'debian-12', sshKeys: ['8'], location: 'fsn1' }
      for (const [name, value] of Object.entries(changes)) {
        const diff = await provider.diff('11', inputs, { ...inputs, [name]: value })
        assert.deepEqual(diff.replaces, [name])
        assert.equal(diff.deleteBeforeReplace, true)
      }
      const update = await provider.diff('11', inputs, { ...inputs, serverType: 'cx33', labels: { generation: '2' } })
      assert.deepEqual(update.replaces, [])
      assert.deepEqual(update.details, { serverType: 'UPDATE', 'labels.generation': 'UPDATE' })
    })
  })

  test('is switched off to change its type', async () => {
    const exchanges = [
      look(),
      { request: 'POST /v1/servers/11/actions/poweroff', body: {}, answer: { action: pending(3) } },
      poll(3, done(3)),
      {
        request: 'POST /v1/servers/11/actions/change_type',
        body: { server_type: 'cx33', upgrade_disk: true },
        answer: { action: pending(4) },
      },
      poll(4, done(4)),
      look({ server_type: { name: 'cx33' } }),
    ]
    const outputs = await playing(type, exchanges, (provider) =>
      provider.update('11', inputs, { ...inputs, serverType: 'cx33' }, {}),
    )
    assert.equal(outputs.serverType, 'cx33')
  })

  test('is deleted, and looked for until it is gone', async () => {
    const exchanges: Exchange[] = [
      { request: 'DELETE /v1/servers/11', answer: { action: pending(6) } },
      poll(6, done(6)),
      look({ status: 'deleting' }),
      { request: 'GET /v1/servers/11', status: 404, answer: apiError('not_found', 'server not found') },
    ]
    await playing(type, exchanges, (provider) => provider.delete('11', {}))
  })

  test('that was changed elsewhere shows it after a refresh, and nothing else', async () => {
    await playing(type, [look(), look({ server_type: { name: 'cx33' } })], async (provider) => {
      const refreshed = await provider.read('11', inputs, inputs)
      assert.deepEqual(refreshed.inputs, inputs)
      const changed = await provider.read('11', inputs, inputs)
      assert.deepEqual(changed.inputs, { ...inputs, serverType: 'cx33' })
    })
  })

  test('that is imported does not know its networks, keys and user data, whatever the program says', async () => {
    await playing(type, [look()], async (provider) => {
      const { inputs: found } = await provider.read('11', inputs, {})
      for (const name of ['publicNets', 'sshKeys', 'userData']) assert.equal(found[name], undefined)
      assert.deepEqual([found.name, found.firewallIds], ['mqtt', [3]])
    })
  })

  test('takes user data of 32 KiB and no byte more, and names what it does not know', async () => {
    await playing(type, [], async (provider) => {
      const most = await provider.check({ ...inputs, userData: 'x'.repeat(32_768) })
      assert.deepEqual(most.failures, [])
      const more = await provider.check({ ...inputs, userData: 'x'.repeat(32_769) })
      assert.match(more.failures.join(), /^userData: .*32768 bytes$/)
      const unknown = await provider.check({ ...inputs, iso: 'rescue' })
      assert.match(unknown.failures.join(), /^iso: .*install the genuine provider$/)
    })
  })

  test('gives up an action that the API has forgotten', async () => {
    const forgotten = { request: 'GET /v1/actions?id=6&page=1&sort=status&sort=id', answer: { actions: [] } }
    await playing(type, [{ request: 'DELETE /v1/servers/11', answer: { action: pending(6) } }, forgotten], (provider) =>
      assert.rejects(provider.delete('11', {}), /not known to the API any more/),
    )
  })
})

describe('hcloud functions', () => {
  test('getServerType tells where the type is to be had', async () => {
    const answer = {
      server_types: [
        {
          id: 1,
          name: 'cx23',
          architecture: 'x86',
          cores: 2,
          locations: [{ id: 3, name: 'hel1', available: true, deprecation: null }],
        },
      ],
    }
    await playing(
      'hcloud:index/server:Server',
      [{ request: 'GET /v1/server_types?name=cx23', answer }],
      async (provider) => {
        const result = await provider.invoke('hcloud:index/getServerType:getServerType', { name: 'cx23' })
        assert.deepEqual(result.locations, [
          { id: 3, name: 'hel1', available: true, isDeprecated: false, deprecationAnnounced: '', unavailableAfter: '' },
        ])
      },
    )
  })

  test('name what the API does not know', async () => {
    const exchange = { request: 'GET /v1/locations?name=moon', answer: { locations: [] } }
    await playing('hcloud:index/server:Server', [exchange], (provider) =>
      assert.rejects(
        provider.invoke('hcloud:index/getLocation:getLocation', { name: 'moon' }),
        /knows no location "moon"/,
      ),
    )
  })
})
