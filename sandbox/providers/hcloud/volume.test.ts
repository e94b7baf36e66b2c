import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { driveProvider } from '../driver.ts'
import { type Exchange, type Recorder, startRecorder } from '../recorder.ts'
import type { Properties } from '../values.ts'
import { hcloudProvider } from './provider.ts'

const token = 't'.repeat(64)
const action = (id: number): Properties => ({ id, command: 'act', status: 'success', progress: 100, error: null })
const refusal = (code: string): Properties => ({ error: { code, message: 'refused', details: {} } })
const gone = { status: 404, answer: refusal('not_found') }

let recorder: Recorder
before(async () => {
  recorder = await startRecorder()
})
after(() => recorder.close())

/** Runs a test's body with a provider, and checks that exactly the expected requests have come. */
async function playing<T>(
  type: string,
  exchanges: readonly Exchange[],
  work: (provider: Awaited<ReturnType<typeof driveProvider>>) => Promise<T>,
) {
  const settings = { token, endpoint: `${recorder.url}/v1`, pollInterval: '5ms' }
  const provider = await driveProvider(hcloudProvider, `hcloud:index/${type}`, settings)
  recorder.expect(exchanges)
  try {
    const result = await work(provider)
    recorder.verify()
    return result
  } finally {
    provider.close()
  }
}

const stored = (more: Properties = {}): Properties => ({
  ...{ id: 9, name: 'data', size: 10, location: { name: 'hel1' }, server: null, labels: {}, status: 'available' },
  ...{ linux_device: '/dev/disk/by-id/scsi-0HC_Volume_9', protection: { delete: false } },
  ...more,
})
const look = (more: Properties = {}): Exchange => ({ request: 'GET /v1/volumes/9', answer: { volume: stored(more) } })

describe('hcloud.Volume', () => {
  const type = 'volume:Volume'
  const inputs: Properties = { name: 'data', size: 10, location: 'hel1', format: 'ext4' }

  test('is made, waited for and read; a refresh right after changes nothing', async () => {
    const make: Exchange = {
      request: 'POST /v1/volumes',
      body: { name: 'data', size: 10, location: 'hel1', labels: {}, format: 'ext4' },
      answer: { volume: stored({ status: 'creating' }), action: { ...action(1), status: 'running' }, next_actions: [] },
    }
    const poll = { request: 'GET /v1/actions?id=1&page=1&sort=status&sort=id', answer: { actions: [action(1)] } }
    // Attached meanwhile: an attachment of its own, no change of the volume.
    await playing(type, [make, poll, look(), look({ server: 11 })], async (provider) => {
      const { id, outputs } = await provider.create(inputs)
      assert.deepEqual([id, outputs.linuxDevice], ['9', '/dev/disk/by-id/scsi-0HC_Volume_9'])
      const refreshed = await provider.read(id, inputs, outputs)
      assert.deepEqual(refreshed.inputs, inputs)
      assert.equal(refreshed.outputs.serverId, 11)
    })
  })

  test('has at least 10 GB', async () => {
    await playing(type, [], async (provider) => {
      assert.deepEqual((await provider.check({ ...inputs, size: 10 })).failures, [])
      assert.deepEqual((await provider.check({ ...inputs, size: 9 })).failures, ['size: a volume has at least 10 GB'])
    })
  })

  test('grows and is protected in its place; in another location it is another one', async () => {
    const after = { ...inputs, size: 20, deleteProtection: true }
    const exchanges: Exchange[] = [
      { request: 'POST /v1/volumes/9/actions/resize', body: { size: 20 }, answer: { action: action(2) } },
      {
        request: 'POST /v1/volumes/9/actions/change_protection',
        body: { delete: true },
        answer: { action: action(3) },
      },
      look({ size: 20, protection: { delete: true } }),
    ]
    await playing(type, exchanges, async (provider) => {
      assert.deepEqual((await provider.diff('9', inputs, after)).replaces, [])
      const outputs = await provider.update('9', inputs, after, inputs)
      assert.deepEqual([outputs.size, outputs.deleteProtection], [20, true])
      const moved = await provider.diff('9', inputs, { ...inputs, location: 'fsn1' })
      assert.deepEqual([moved.replaces, moved.deleteBeforeReplace], [['location'], true])
    })
  })

  test('is detached before it is deleted, and says so when it is protected', async () => {
    const exchanges: Exchange[] = [
      look({ server: 11 }),
      { request: 'POST /v1/volumes/9/actions/detach', body: {}, answer: { action: action(4) } },
      { request: 'DELETE /v1/volumes/9', status: 423, answer: refusal('protected') },
    ]
    await playing(type, exchanges, (provider) => assert.rejects(provider.delete('9', {}), /refused \(protected\)/))
  })

  test('that is gone is told to the engine', async () => {
    await playing(type, [{ request: 'GET /v1/volumes/9', ...gone }], async (provider) => {
      assert.equal((await provider.read('9', inputs, {})).id, '')
    })
  })
})

describe('hcloud.VolumeAttachment', () => {
  const type = 'volumeAttachment:VolumeAttachment'
  const inputs: Properties = { volumeId: 9, serverId: 11, automount: false }

  test('cannot be changed in its place, as the genuine one cannot', async () => {
    await playing(type, [], async (provider) => {
      const change = provider.update('9', inputs, { ...inputs, automount: true }, inputs)
      await assert.rejects(change, /doesn't support update/)
    })
  })
  const attach: Exchange = {
    request: 'POST /v1/volumes/9/actions/attach',
    body: { server: 11, automount: false },
    answer: { action: action(5) },
  }

  test('waits for a server that is locked', async () => {
    const locked = { ...attach, status: 423, answer: refusal('locked') }
    const { id, outputs } = await playing(type, [locked, attach], (provider) => provider.create(inputs))
    assert.deepEqual([id, outputs], ['9', inputs])
  })

  test('is another one with another server or volume', async () => {
    await playing(type, [], async (provider) => {
      assert.deepEqual((await provider.diff('9', inputs, { ...inputs, serverId: 12 })).replaces, ['serverId'])
      assert.deepEqual((await provider.diff('9', inputs, { ...inputs, volumeId: 8 })).replaces, ['volumeId'])
      assert.equal((await provider.diff('9', inputs, { volumeId: '9', serverId: '11' })).changes, false)
    })
  })

  test('is gone with its volume, and when the volume is in no server', async () => {
    const exchanges = [look({ server: 12 }), look(), { request: 'GET /v1/volumes/9', ...gone }]
    await playing(type, exchanges, async (provider) => {
      const elsewhere = await provider.read('9', inputs, inputs)
      assert.deepEqual([elsewhere.id, elsewhere.inputs.serverId], ['9', 12])
      assert.equal((await provider.read('9', inputs, inputs)).id, '')
      assert.equal((await provider.read('9', inputs, inputs)).id, '')
    })
  })

  test('is ended by detaching, which may have happened already', async () => {
    const detach = { request: 'POST /v1/volumes/9/actions/detach', body: {}, answer: { action: action(6) } }
    const exchanges = [look({ server: 11 }), detach, look(), { request: 'GET /v1/volumes/9', ...gone }]
    await playing(type, exchanges, async (provider) => {
      for (const _ of [1, 2, 3]) await provider.delete('9', inputs)
    })
  })
})

describe('hcloud.Rdns', () => {
  const type = 'rdns:Rdns'
  const inputs: Properties = { primaryIpId: 4, ipAddress: '2001:db8::1', dnsPtr: 'mqtt.example.com' }
  const point = (dns_ptr: string | null): Exchange => ({
    request: 'POST /v1/primary_ips/4/actions/change_dns_ptr',
    body: { ip: '2001:db8::1', dns_ptr },
    answer: { action: action(7) },
  })
  const read = (...pointers: Properties[]) => ({
    request: 'GET /v1/primary_ips/4',
    answer: { primary_ip: { id: 4, dns_ptr: pointers } },
  })

  test('is set, read, changed and taken back', async () => {
    const pointer = { ip: '2001:db8::1', dns_ptr: 'mqtt.example.com' }
    const other = { ...inputs, dnsPtr: 'other.example.com' }
    const exchanges = [point('mqtt.example.com'), read(pointer), point('other.example.com'), read(pointer), point(null)]
    await playing(type, exchanges, async (provider) => {
      const { id, outputs } = await provider.create(inputs)
      assert.equal(id, 'p-4-2001:db8::1')
      assert.deepEqual((await provider.read(id, inputs, outputs)).outputs, inputs)
      assert.equal((await provider.update(id, inputs, other, outputs)).dnsPtr, 'other.example.com')
      await provider.delete(id, outputs)
    })
  })

  test('is gone with its address, and an id of another form is named', async () => {
    const exchanges = [read({ ip: '2001:db8::2', dns_ptr: 'x' }), { request: 'GET /v1/primary_ips/4', ...gone }]
    await playing(type, exchanges, async (provider) => {
      for (const _ of [1, 2]) assert.equal((await provider.read('p-4-2001:db8::1', inputs, inputs)).id, '')
      await assert.rejects(provider.read('s-4-2001:db8::1', {}, {}), /"s-4-2001:db8::1" is not a reverse DNS entry/)
    })
  })
})
