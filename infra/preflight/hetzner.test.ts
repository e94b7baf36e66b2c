import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Hetzner } from './hetzner.ts'
import { type Replies, stubApi } from './stub.ts'

const token = 'h'.repeat(64)
const error = (status: number, code: string, message = 'said so') => ({ status, body: { error: { code, message } } })

async function hetzner(t: TestContext, replies: Replies) {
  const stub = await stubApi(replies)
  t.after(() => stub.close())
  return { stub, hetzner: new Hetzner(`${stub.url}/v1`, token) }
}

describe('the Hetzner Cloud token', () => {
  it('is fine when an impossible order is refused for what it lacks', async (t) => {
    const { stub, hetzner: asked } = await hetzner(t, { 'POST /v1/ssh_keys': error(422, 'invalid_input') })
    await asked.requireWriting()
    assert.deepEqual(stub.asked, ['POST /v1/ssh_keys'])
  })

  for (const [reply, sentence] of [
    [error(401, 'unauthorized'), /^Hetzner Cloud does not know the token.*pulumi config set --secret hcloud:token$/],
    [error(403, 'token_readonly'), /may only read.*pulumi config set --secret hcloud:token$/],
    [error(403, 'forbidden'), /may only read/],
  ] as const) {
    it(`is refused with the remedy: ${reply.body.error.code}`, async (t) => {
      const { hetzner: asked } = await hetzner(t, { 'POST /v1/ssh_keys': reply, 'GET /v1/server_types': reply })
      for (const asking of [() => asked.requireWriting(), () => asked.serverTypes()]) {
        await assert.rejects(
          asking,
          (reason: Error) => sentence.test(reason.message) && !reason.message.includes(token),
        )
      }
    })
  }
})

describe('Hetzner Cloud', () => {
  it('lists its server types over several pages, with prices and places', async (t) => {
    const one = (name: string) => ({
      name,
      architecture: 'x86',
      disk: 40,
      surplus: true,
      prices: [{ location: 'hel1', price_monthly: { net: '4.0', gross: '4.76' } }],
      locations: [{ id: 3, name: 'hel1', deprecation: null }],
    })
    const full = Array.from({ length: 50 }, (_, index) => one(`cx${index}`))
    const { stub, hetzner: asked } = await hetzner(t, {
      'GET /v1/server_types?page=1': { body: { server_types: full } },
      'GET /v1/server_types?page=2': { body: { server_types: [one('cpx22')] } },
    })
    const types = await asked.serverTypes()
    assert.equal(types.length, 51)
    assert.equal(stub.asked.length, 2)
    assert.equal(types.at(-1)?.name, 'cpx22')
    assert.deepEqual(types.at(-1)?.locations, [{ name: 'hel1', available: true, deprecation: null }])
  })

  it('is not asked for ever', async (t) => {
    const keys = Array.from({ length: 50 }, (_, id) => ({ id, name: 'x' }))
    const { stub, hetzner: asked } = await hetzner(t, { 'GET /v1/ssh_keys': { body: { ssh_keys: keys } } })
    await asked.named('ssh_keys', 'x')
    assert.equal(stub.asked.length, 10)
  })

  it('finds what has a name', async (t) => {
    const { stub, hetzner: asked } = await hetzner(t, {
      'GET /v1/servers?name=mqtt.example.com': {
        body: { servers: [{ id: 7, name: 'mqtt.example.com', labels: { a: 'b' }, public_net: { ipv4: { id: 3 } } }] },
      },
      'GET /v1/servers?name=other': { body: { servers: [] } },
    })
    const labels = { a: 'b' }
    assert.deepEqual(await asked.named('servers', 'mqtt.example.com'), {
      id: 7,
      name: 'mqtt.example.com',
      labels,
      public_net: { ipv4: { id: 3 } },
    })
    assert.equal(await asked.named('servers', 'other'), undefined)
    assert.equal(stub.asked.length, 2)
  })

  it('asks for images of one architecture, deprecated ones too', async (t) => {
    const { stub, hetzner: asked } = await hetzner(t, {
      'GET /v1/images': { body: { images: [{ name: 'debian-13', deprecated: null }, { name: null }] } },
    })
    assert.equal((await asked.images('arm')).length, 2)
    assert.match(stub.asked[0] ?? '', /type=system&include_deprecated=true&architecture=arm/)
  })

  it('says what it refuses, and what it answered when that makes no sense', async (t) => {
    const { hetzner: asked } = await hetzner(t, {
      'GET /v1/images': error(422, 'invalid_input', 'architecture is wrong'),
      'GET /v1/server_types': { body: { server_types: [{ name: 'x' }] } },
      'GET /v1/volumes': { body: '<html>' },
    })
    await assert.rejects(asked.images('x86'), /Hetzner Cloud refuses \/images.*: architecture is wrong\.$/)
    await assert.rejects(asked.serverTypes(), /something else than server_types/)
    await assert.rejects(asked.named('volumes', 'x'), /something else than volumes/)
  })
})
