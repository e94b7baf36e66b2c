import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Cloudflare } from './cloudflare.ts'
import { type Replies, stubApi } from './stub.ts'

const zone = '0123456789abcdef0123456789abcdef'
const token = 'c'.repeat(40)
const error = (status: number, code: number) => ({ status, body: { errors: [{ code, message: 'said so' }] } })

async function cloudflare(t: TestContext, replies: Replies) {
  const stub = await stubApi(replies)
  t.after(() => stub.close())
  return { stub, cloudflare: new Cloudflare(`${stub.url}/client/v4`, token, zone) }
}
const records = `/client/v4/zones/${zone}/dns_records`

describe('the Cloudflare token', () => {
  it('is fine when an impossible record is refused for what it lacks', async (t) => {
    const { stub, cloudflare: asked } = await cloudflare(t, { [`POST ${records}`]: error(400, 1004) })
    await asked.requireEditing()
    assert.deepEqual(stub.asked, [`POST ${records}`])
  })

  for (const [reply, sentence] of [
    [error(400, 6003), /does not know the token/],
    [error(401, 1000), /does not know the token/],
    [error(403, 9109), /does not know the token .* or it is not for the zone 0123456789abcdef/],
    [error(403, 10_000), /may not edit DNS in the zone 0123456789abcdef/],
  ] as const) {
    it(`is refused with the remedy: ${reply.body.errors[0]?.code}`, async (t) => {
      const { cloudflare: asked } = await cloudflare(t, { [`POST ${records}`]: reply })
      await assert.rejects(asked.requireEditing(), ({ message }: Error) => {
        assert.match(message, sentence)
        assert.match(message, /pulumi config set --secret cloudflare:apiToken$/)
        return !message.includes(token)
      })
    })
  }

  it('is not blamed for a zone that does not exist', async (t) => {
    const { cloudflare: asked } = await cloudflare(t, { [`POST ${records}`]: error(404, 7003) })
    await assert.rejects(asked.requireEditing(), /has no zone 0123.*pulumi config set skerry:cloudflareZoneId ID$/)
  })
})

describe('Cloudflare', () => {
  it('says what the zone is, or nothing to a token that may only edit DNS', async (t) => {
    const { stub, cloudflare: asked } = await cloudflare(t, {
      [`GET /client/v4/zones/${zone}`]: [
        { body: { result: { name: 'example.com', status: 'active', more: 1 } } },
        error(403, 9109),
      ],
    })
    assert.deepEqual(await asked.zone(), { name: 'example.com', status: 'active' })
    assert.equal(await asked.zone(), undefined)
    assert.equal(stub.asked.length, 2)
  })

  it('lists the records of exactly one name', async (t) => {
    const found = { id: 'R', type: 'A', name: 'mqtt.example.com', content: '192.0.2.1' }
    const { stub, cloudflare: asked } = await cloudflare(t, { [`GET ${records}`]: { body: { result: [found] } } })
    assert.deepEqual(await asked.records('mqtt.example.com'), [found])
    assert.match(stub.asked[0] ?? '', /\?name\.exact=mqtt\.example\.com&per_page=/)
  })

  it('says what it refuses, and when its answer makes no sense', async (t) => {
    const { stub, cloudflare: asked } = await cloudflare(t, { [`GET ${records}`]: [error(400, 1004), { body: 'x' }] })
    await assert.rejects(asked.records('a.b'), /^Error: Cloudflare refuses to list DNS records: said so\.$/)
    await assert.rejects(asked.records('a.b'), /something else/)
    assert.equal(stub.asked.length, 2)
  })
})
