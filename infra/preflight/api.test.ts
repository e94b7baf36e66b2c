import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Api, ask } from './api.ts'
import { type Replies, stubApi } from './stub.ts'

const token = 'secret-token'

async function api(t: TestContext, replies: Replies) {
  const stub = await stubApi(replies)
  t.after(() => stub.close())
  const endpoint = `${stub.url}/v1`
  const statusPage = 'https://status.example'
  const api: Api = { name: 'Test Cloud', endpoint, token, statusPage, pauses: [1, 1], patience: 20_000 }
  return { stub, api }
}

async function failure(asking: Promise<unknown>): Promise<string> {
  const error = await asking.then(
    () => assert.fail('should fail'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof Error)
  assert.ok(!error.message.includes(token))
  return error.message
}

describe('asking an API', () => {
  it('sends the token, and a body with POST', async (t) => {
    const { stub, api: to } = await api(t, { 'GET /v1/x': { body: { a: 1 } }, 'POST /v1/x': { status: 422 } })
    assert.deepEqual(await ask(to, '/x'), { status: 200, body: { a: 1 } })
    assert.deepEqual(await ask(to, '/x', {}), { status: 422, body: {} })
    assert.equal(stub.headers[0]?.authorization, `Bearer ${token}`)
  })

  it('gives an answer that is no JSON as undefined', async (t) => {
    const { api: to } = await api(t, { 'GET /v1/x': { status: 404, body: '<html>' } })
    assert.deepEqual(await ask(to, '/x'), { status: 404, body: undefined })
  })

  it('tries a busy or faulty API three times', async (t) => {
    const { stub, api: to } = await api(t, { 'GET /v1/x': [{ status: 503 }, { status: 429 }, { body: 'true' }] })
    assert.deepEqual(await ask(to, '/x'), { status: 200, body: true })
    assert.equal(stub.asked.length, 3)
  })

  it('gives up after that, in plain words', async (t) => {
    const { stub, api: to } = await api(t, { 'GET /v1/busy': { status: 429 }, 'GET /v1/faulty': { status: 500 } })
    assert.match(
      await failure(ask(to, '/busy')),
      /^Test Cloud takes no further requests .*429.*try again in some minutes/,
    )
    assert.match(await failure(ask(to, '/faulty')), /^Test Cloud does not work .*500.*https:\/\/status\.example/)
    assert.equal(stub.asked.length, 6)
  })

  it('says where nobody answers', async (t) => {
    const { stub, api: to } = await api(t, {})
    await stub.close()
    stub.close = async () => {}
    const sentence = await failure(ask(to, '/x'))
    assert.match(sentence, /^Test Cloud cannot be reached at http:\/\/127\.0\.0\.1:\d+\/v1: connect ECONNREFUSED/)
    assert.match(sentence, /try again/)
  })

  it('says how long it has waited for an answer', async (t) => {
    const { api: to } = await api(t, { 'GET /v1/x': { isSilent: true } })
    assert.match(await failure(ask({ ...to, patience: 250 }, '/x')), /: no answer within 0\.25 seconds\. Nothing was/)
  })

  it('follows no redirect: the token goes nowhere else', async (t) => {
    const { stub, api: to } = await api(t, { 'GET /v1/x': { status: 302 } })
    await failure(ask(to, '/x'))
    assert.deepEqual(new Set(stub.asked), new Set(['GET /v1/x']))
  })

  it('reads no endless answer', async (t) => {
    const { api: to } = await api(t, { 'GET /v1/x': { body: 'x'.repeat(4 * 1024 * 1024 + 1) } })
    assert.match(await failure(ask(to, '/x')), /longer than 4194304 bytes/)
  })
})
