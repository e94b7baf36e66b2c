import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { createMetadataApi } from './metadata.ts'
import { publicKey, runningServer, testCloud } from './testbed.ts'

async function reader(t: TestContext) {
  const cloud = testCloud(t)
  await cloud.hetzner('POST', '/ssh_keys', { name: 'deploy', public_key: publicKey })
  const id = await runningServer(cloud, {
    name: 'mqtt.skerry.test',
    user_data: '#cloud-config\n',
    ssh_keys: ['deploy'],
  })
  await runningServer(cloud, { name: 'second', user_data: '#second\n', location: 'ash', server_type: 'cpx22' })
  const app = createMetadataApi({ store: cloud.store })
  const read = async (remoteAddress: string, path: string) => {
    const response = await app.request(`/hetzner/v1/${path}`, {}, { incoming: { socket: { remoteAddress } } })
    return response.status === 200 ? response.text() : response.status
  }
  return { read, id }
}

test('each server reads about itself', async (t) => {
  const { read, id } = await reader(t)
  assert.equal(await read('10.77.3.10', 'userdata'), '#cloud-config\n')
  assert.equal(await read('10.77.3.11', 'userdata'), '#second\n')
  assert.equal(await read('::ffff:10.77.3.11', 'userdata'), '#second\n')
  assert.equal(await read('10.77.3.10', 'metadata/instance-id'), String(id))
  assert.equal(await read('10.77.3.10', 'metadata/hostname'), 'mqtt.skerry.test')
  assert.equal(await read('10.77.3.10', 'metadata/public-ipv4'), '10.77.3.10')
  assert.equal(await read('10.77.3.11', 'metadata/region'), 'us-east')
  assert.deepEqual(parse(String(await read('10.77.3.10', 'metadata'))), {
    'instance-id': id,
    hostname: 'mqtt.skerry.test',
    'public-ipv4': '10.77.3.10',
    'local-ipv4': '',
    region: 'eu-central',
    'public-keys': [publicKey],
  })
})

test('nobody else reads anything, and no header changes who asks', async (t) => {
  const { read } = await reader(t)
  for (const stranger of ['10.77.3.1', '10.77.3.12', '10.77.3.1\n0', '::1', '']) {
    assert.equal(await read(stranger, 'userdata'), 404)
    assert.equal(await read(stranger, 'metadata'), 404)
  }
  assert.equal(await read('10.77.3.10', 'metadata/private-networks'), 404)
})
