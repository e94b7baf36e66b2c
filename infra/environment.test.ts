import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { asset, isSecret, type Resource } from '@pulumi/pulumi'
import { built, settings } from './fixtures.ts'
import { Confidential } from './invariants.ts'
import { type Recorded, record, resolved } from './recorder.ts'

type Run = Awaited<ReturnType<typeof record>>

const pem = (label: string, text: string) => `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`
const certificateOf = (name: string) => pem('CERTIFICATE', `certificate of ${name}`)
const keyOf = (name: string) => pem('EC PRIVATE KEY', `key of ${name}`)
const year = 8760

function find({ resources }: Run, type: string, name: string): Recorded {
  const found = resources.filter((one) => one.type.endsWith(`:${type}`) && one.name === name)
  assert.equal(found.length, 1, `${type} "${name}"`)
  return found[0] as Recorded
}

function plain(value: unknown): unknown {
  return value instanceof Confidential ? value.value : value
}

function optionsOf({ options }: Recorded) {
  const { dependsOn, ...rest } = options as Recorded['options'] & { dependsOn?: Resource[] }
  return { dependsOn, ...rest } as Record<string, unknown> & { dependsOn?: Resource[] }
}

describe('an environment', () => {
  let run: Run
  before(async () => {
    run = await record()
  })

  /** The id that the monitor gave. */
  const state = (type: string, name?: string) =>
    run.resources.findIndex((one) => one.type.endsWith(`:${type}`) && (name === undefined || one.name === name)) + 1001

  it('is made of these resources and no others', () => {
    const made = run.resources.map(({ type, name }) => `${type.split(':').at(-1)} ${name}`).sort()
    const leaves = ['administrator', 'broker', 'health', 'issuing-ca-1', 'proxy']
    assert.deepEqual(
      made,
      [
        ...leaves.flatMap((name) => [`CertRequest ${name}`, `LocallySignedCert ${name}`, `PrivateKey ${name}`]),
        ...['PrivateKey root-ca-1', 'SelfSignedCert root-ca-1', 'PrivateKey deploy', 'PrivateKey host'],
        ...['PrimaryIp ipv4', 'PrimaryIp ipv6', 'Firewall firewall', 'SshKey deploy', 'Server server'],
        ...['DnsRecord a', 'DnsRecord aaaa', 'DnsRecord caa', 'Volume data', 'VolumeAttachment data'],
        ...['Command cloud-init', 'CopyToRemote runtime', 'CopyToRemote release', 'Command apply'],
      ].sort(),
    )
  })

  it('hangs every resource below a component', () => {
    for (const { options, name } of run.resources) assert.ok(options.parent, name)
    for (const part of ['Environment', 'Trust', 'Authority', 'Network', 'Dns', 'Server', 'Storage', 'Release']) {
      assert.equal(run.components.filter(({ type }) => type === `skerry:infra:${part}`).length, 1, part)
    }
  })

  it('has addresses that stay where the first one was made', () => {
    for (const [type, name] of [
      ['ipv4', 'mqtt.example.com'],
      ['ipv6', 'mqtt.example.com-ipv6'],
    ] as const) {
      const address = find(run, 'PrimaryIp', type)
      assert.deepEqual(address.inputs, {
        name,
        type,
        location: 'hel1',
        autoDelete: false,
        deleteProtection: true,
        labels: { 'managed-by': 'skerry' },
      })
      assert.deepEqual(address.options.ignoreChanges, ['location'])
    }
  })

  it('has a volume that stays, where the address is, and is plugged into the server', () => {
    const volume = find(run, 'Volume', 'data')
    assert.deepEqual(volume.inputs, {
      name: 'mqtt.example.com',
      size: 10,
      location: 'hel1',
      format: 'ext4',
      deleteProtection: true,
      labels: { 'managed-by': 'skerry' },
    })
    assert.deepEqual(volume.options.ignoreChanges, ['location', 'format'])
    const attachment = find(run, 'VolumeAttachment', 'data')
    assert.deepEqual(attachment.inputs, { volumeId: state('Volume'), serverId: state('Server'), automount: true })
    assert.equal(optionsOf(attachment).deleteBeforeReplace, true)
  })

  const kept = [
    ...['PrimaryIp ipv4', 'PrimaryIp ipv6', 'Volume data', 'PrivateKey root-ca-1', 'SelfSignedCert root-ca-1'],
    ...['PrivateKey issuing-ca-1', 'CertRequest issuing-ca-1', 'LocallySignedCert issuing-ca-1'],
  ]
  it('protects what nobody could make again, and nothing else', () => {
    const found = run.resources
      .filter(({ protect }) => protect)
      .map(({ type, name }) => `${type.split(':').at(-1)} ${name}`)
    assert.deepEqual(found.sort(), kept.sort())
  })

  it('protects nothing where the settings say so', async () => {
    const { resources } = await record({ protect: false })
    assert.deepEqual(
      resources.filter(({ protect, inputs }) => protect || inputs.deleteProtection === true),
      [],
    )
  })

  it('leads the name to the addresses, past the proxy, and lets one authority issue', () => {
    const record = { zoneId: settings.cloudflareZoneId, name: 'mqtt.example.com', ttl: 300, proxied: false }
    assert.deepEqual(find(run, 'DnsRecord', 'a').inputs, { ...record, type: 'A', content: '192.0.2.10' })
    assert.deepEqual(find(run, 'DnsRecord', 'aaaa').inputs, { ...record, type: 'AAAA', content: '2001:db8:3ea::1' })
    const data = { flags: 0, tag: 'issue', value: 'letsencrypt.org' }
    assert.deepEqual(find(run, 'DnsRecord', 'caa').inputs, { ...record, type: 'CAA', data })
  })

  it('gives the server its keys, its address and its firewall before it boots', () => {
    const server = find(run, 'Server', 'server')
    const { userData, ...inputs } = server.inputs
    assert.deepEqual(inputs, {
      name: 'mqtt.example.com',
      serverType: 'cx23',
      image: 'debian-13',
      location: 'hel1',
      firewallIds: [state('Firewall')],
      keepDisk: true,
      publicNets: [
        { ipv4Enabled: true, ipv4: state('PrimaryIp', 'ipv4'), ipv6Enabled: true, ipv6: state('PrimaryIp', 'ipv6') },
      ],
      sshKeys: [String(state('SshKey'))],
      labels: { 'managed-by': 'skerry', generation: '1' },
    })
    const text = String(plain(userData))
    assert.match(text, /^#cloud-config\n/)
    assert.match(text, /KeyOfhost/)
    assert.match(text, /ssh-ed25519 AAAAdeploy\n/)
    assert.doesNotMatch(text, /KeyOfdeploy/)
    assert.deepEqual(find(run, 'SshKey', 'deploy').inputs, {
      name: 'mqtt.example.com',
      publicKey: 'ssh-ed25519 AAAAdeploy',
      labels: { 'managed-by': 'skerry' },
    })
  })

  it('replaces a server only when the generation says so', () => {
    const { ignoreChanges, replaceOnChanges, deleteBeforeReplace, additionalSecretOutputs } = optionsOf(
      find(run, 'Server', 'server'),
    )
    assert.deepEqual(ignoreChanges, ['userData', 'sshKeys', 'image', 'location'])
    assert.deepEqual(replaceOnChanges, ['labels.generation'])
    assert.equal(deleteBeforeReplace, true)
    assert.deepEqual(additionalSecretOutputs, ['userData'])
  })

  it('has the name in DNS before the server', () => {
    const names = optionsOf(find(run, 'Server', 'server')).dependsOn?.map((one) => one.constructor.name)
    assert.deepEqual(names, ['Dns'])
  })

  it('has ed25519 keys for SSH and P-256 keys for certificates', () => {
    for (const name of ['deploy', 'host']) {
      assert.deepEqual(find(run, 'PrivateKey', name).inputs, { algorithm: 'ED25519' })
    }
    for (const name of ['root-ca-1', 'issuing-ca-1', 'broker', 'proxy', 'health', 'administrator']) {
      assert.deepEqual(find(run, 'PrivateKey', name).inputs, { algorithm: 'ECDSA', ecdsaCurve: 'P256' })
    }
  })

  it('has a root for 20 years that nothing but the stack decides', () => {
    const { privateKeyPem, ...inputs } = find(run, 'SelfSignedCert', 'root-ca-1').inputs
    assert.equal(plain(privateKeyPem), keyOf('root-ca-1'))
    assert.deepEqual(inputs, {
      subject: { commonName: 'Skerry root CA (test)', organization: 'Skerry' },
      allowedUses: ['cert_signing', 'crl_signing'],
      isCaCertificate: true,
      maxPathLength: 1,
      setSubjectKeyId: true,
      setAuthorityKeyId: true,
      earlyRenewalHours: 0,
      validityPeriodHours: 20 * year,
    })
  })

  it('names the authorities after the stack, so that another hostname leaves them alone', async () => {
    const moved = await record({ hostname: 'other.example.com' })
    for (const name of ['root-ca-1', 'issuing-ca-1']) {
      const type = name === 'root-ca-1' ? 'SelfSignedCert' : 'CertRequest'
      assert.deepEqual(find(moved, type, name).inputs.subject, find(run, type, name).inputs.subject)
    }
    run = await record()
  })

  const certificates: [name: string, subject: string, signer: string, inputs: object, names?: object][] = [
    [
      'issuing-ca-1',
      'Skerry issuing CA (test)',
      'root-ca-1',
      {
        allowedUses: ['cert_signing', 'crl_signing'],
        isCaCertificate: true,
        maxPathLength: 0,
        earlyRenewalHours: 0,
        validityPeriodHours: 5 * year,
      },
    ],
    [
      'broker',
      'mqtt.example.com',
      'issuing-ca-1',
      { allowedUses: ['digital_signature', 'server_auth'], earlyRenewalHours: year, validityPeriodHours: 2 * year },
      { dnsNames: ['mqtt.example.com', 'localhost'], ipAddresses: ['127.0.0.1'] },
    ],
    ...(['proxy', 'health'] as const).map((name): [string, string, string, object] => [
      name,
      `skerry-${name}`,
      'issuing-ca-1',
      { allowedUses: ['digital_signature', 'client_auth'], earlyRenewalHours: year, validityPeriodHours: 2 * year },
    ]),
    [
      'administrator',
      'admin',
      'issuing-ca-1',
      { allowedUses: ['digital_signature', 'client_auth'], earlyRenewalHours: 90 * 24, validityPeriodHours: year },
    ],
  ]
  for (const [name, commonName, signer, expected, names = {}] of certificates) {
    it(`has ${signer} sign ${name}`, () => {
      const { privateKeyPem, ...request } = find(run, 'CertRequest', name).inputs
      assert.equal(plain(privateKeyPem), keyOf(name))
      assert.deepEqual(request, { subject: { commonName, organization: 'Skerry' }, ...names })
      const { caPrivateKeyPem, certRequestPem, ...inputs } = find(run, 'LocallySignedCert', name).inputs
      assert.equal(plain(caPrivateKeyPem), keyOf(signer))
      assert.equal(certRequestPem, pem('CERTIFICATE REQUEST', `request of ${name}`))
      assert.deepEqual(inputs, { ...expected, caCertPem: certificateOf(signer), setSubjectKeyId: true })
    })
  }
})

describe('an environment with two authorities', () => {
  const pair = (number: number) => certificateOf(`issuing-ca-${number}`) + certificateOf(`root-ca-${number}`)

  it('has the first one sign, trusts both, and gives devices both roots', async () => {
    const run = await record({ authorities: [2, 1] })
    for (const name of ['broker', 'proxy', 'health', 'administrator']) {
      const { caPrivateKeyPem, caCertPem } = find(run, 'LocallySignedCert', name).inputs
      assert.deepEqual(
        [plain(caPrivateKeyPem), caCertPem],
        [keyOf('issuing-ca-2'), certificateOf('issuing-ca-2')],
        name,
      )
    }
    const { authorities } = JSON.parse(String(plain(find(run, 'Command', 'apply').inputs.stdin)))
    assert.equal(authorities, pair(2) + pair(1))
    assert.equal(await resolved(run.environment.trust.roots), certificateOf('root-ca-2') + certificateOf('root-ca-1'))
  })

  it('leaves the first authority as it was, and names the second one differently', async () => {
    const subjects = async (numbers: number[]) => {
      const run = await record({ authorities: numbers })
      return numbers.map((number) => find(run, 'SelfSignedCert', `root-ca-${number}`).inputs.subject)
    }
    const [alone] = await subjects([1])
    const [first, second] = await subjects([1, 2])
    assert.deepEqual(first, alone)
    assert.deepEqual(second, { commonName: 'Skerry root CA (test 2)', organization: 'Skerry' })
  })
})

describe('the release of an environment', () => {
  let run: Run
  before(async () => {
    run = await record()
  })
  const hashes = { runtime: built.runtime.hash, release: built.release.hash }
  const connection = {
    host: '192.0.2.10',
    port: 22,
    user: 'deploy',
    privateKey: '-----BEGIN OPENSSH PRIVATE KEY-----\nKeyOfdeploy\n-----END OPENSSH PRIVATE KEY-----\n',
    hostKey: 'ssh-ed25519 AAAAhost',
  }
  const serverId = () => String(run.resources.findIndex(({ type }) => type.endsWith(':Server')) + 1001)

  it('waits for cloud-init with patience', () => {
    const { inputs } = find(run, 'Command', 'cloud-init')
    assert.deepEqual(
      { ...inputs, connection: plain(inputs.connection) },
      {
        connection: { ...connection, dialErrorLimit: 30, perDialTimeout: 5 },
        create: readFileSync(new URL('wait-for-cloud-init.sh', import.meta.url), 'utf8'),
        triggers: [serverId()],
        logging: 'stderr',
      },
    )
  })

  for (const kind of ['runtime', 'release'] as const) {
    it(`uploads the ${kind} under its hash, after that`, async () => {
      const upload = find(run, 'CopyToRemote', kind)
      const { connection: used, source, ...inputs } = upload.inputs
      assert.deepEqual(inputs, {
        remotePath: `/var/lib/skerry-incoming/${kind}-${hashes[kind]}.tar.gz`,
        triggers: [serverId()],
      })
      assert.deepEqual(plain(used), { ...connection, dialErrorLimit: 10, perDialTimeout: 15 })
      assert.ok(source instanceof asset.FileAsset)
      assert.equal(await source.path, built[kind].path)
      assert.equal(optionsOf(upload).dependsOn?.length, 1)
    })
  }

  it('applies both with the secrets on standard input, after the uploads', () => {
    const apply = find(run, 'Command', 'apply')
    const { connection: used, stdin, ...inputs } = apply.inputs
    assert.deepEqual(inputs, {
      create: `sudo /usr/local/sbin/skerry-release apply ${hashes.release} ${hashes.runtime}`,
      addPreviousOutputInEnv: false,
      triggers: [serverId(), settings.volumeSize],
      logging: 'none',
    })
    assert.deepEqual(plain(used), { ...connection, dialErrorLimit: 10, perDialTimeout: 15 })
    const identity = (name: string) => ({
      certificate: certificateOf(name) + certificateOf('issuing-ca-1'),
      privateKey: keyOf(name),
    })
    assert.deepEqual(JSON.parse(String(plain(stdin))), {
      authorities: certificateOf('issuing-ca-1') + certificateOf('root-ca-1'),
      broker: identity('broker'),
      proxy: identity('proxy'),
      health: identity('health'),
      passwords: settings.users,
      volume: String(run.resources.findIndex(({ type }) => type.endsWith(':Volume')) + 1001),
    })
    const before = optionsOf(apply).dependsOn?.map((one) => one.constructor.name)
    assert.deepEqual(before, ['CopyToRemote', 'CopyToRemote', 'VolumeAttachment'])
  })

  it('sends neither authority key to the server', () => {
    const text = JSON.stringify(
      run.resources
        .filter(({ type }) => type.startsWith('command:') || type.endsWith(':Server'))
        .map(({ inputs }) => inputs),
    )
    assert.doesNotMatch(text, /key of (?:root-ca|issuing-ca|administrator)/)
  })
})

describe('outputs', () => {
  it('say where everything is and keep the keys secret', async () => {
    const { environment } = await record()
    const { stackOutputs } = await import('./outputs.ts')
    const outputs = stackOutputs(environment)
    assert.equal(outputs.hostname, 'mqtt.example.com')
    assert.deepEqual(outputs.urls, {
      mqtt: 'mqtt://mqtt.example.com:1883',
      mqtts: 'mqtts://mqtt.example.com:8883',
      wss: 'wss://mqtt.example.com/mqtt/',
      https: 'https://mqtt.example.com/',
    })
    assert.equal(await resolved(outputs.ipv4Address), '192.0.2.10')
    assert.equal(await resolved(outputs.ipv6Address), '2001:db8:3ea::1')
    assert.equal(await resolved(outputs.caCertificate), certificateOf('root-ca-1'))
    assert.equal(
      await resolved(outputs.adminCertificate),
      certificateOf('administrator') + certificateOf('issuing-ca-1'),
    )
    assert.equal(await resolved(outputs.adminKey), keyOf('administrator'))
    assert.equal(await resolved(outputs.hostPublicKey), 'ssh-ed25519 AAAAhost')
    const secrets = await Promise.all(
      Object.entries(outputs).map(async ([name, value]) => ((await isSecret(value as never)) ? name : undefined)),
    )
    assert.deepEqual(
      secrets.filter((name) => name !== undefined),
      ['adminKey', 'deployKey'],
    )
  })

  it('tell an SSH command that pins the host key', async () => {
    const { environment } = await record()
    const { stackOutputs } = await import('./outputs.ts')
    const command = String(await resolved(stackOutputs(environment).sshCommand))
    assert.match(command, /pulumi stack output --show-secrets deployKey > deploy\.key/)
    assert.match(command, /echo "192\.0\.2\.10 \$\(pulumi stack output hostPublicKey\)" > known_hosts/)
    assert.match(command, /ssh -i deploy\.key .*UserKnownHostsFile=known_hosts deploy@192\.0\.2\.10 sudo/)
  })

  it('name no plain MQTT where it is off', async () => {
    const { environment } = await record({ plainMqtt: false })
    assert.deepEqual(Object.keys(environment.urls), ['mqtts', 'wss', 'https'])
  })
})
