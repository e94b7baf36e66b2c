import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { administer } from '../administration.ts'
import { bearerToken, sameToken } from '../bearer.ts'
import { Bucket } from '../bucket.ts'
import type { Datacenter } from '../datacenter.ts'
import type { CloudStore } from '../store.ts'
import { CloudflareError, success } from './envelope.ts'
import { recordRoutes } from './records.ts'
import { zoneId, zoneRoutes } from './zones.ts'

const maximumBody = 64 * 1024

/** As the API: 1,200 requests in five minutes. */
const burst = 1200
const refillMilliseconds = 250

const tokenForm = /^[0-9A-Za-z_-]{40,80}$/

export interface CloudflareApiOptions {
  readonly store: CloudStore
  readonly datacenter: Datacenter
  /** 40 to 80 letters, digits, `_` and `-`; may edit the zone. */
  readonly token: string
  /** As `token`, may only read. */
  readonly readOnlyToken?: string
  /** For `/_faults`; absent: there are none. */
  readonly faultToken?: string
  /** Name of the one zone; its id is `zoneId(zone)`. */
  readonly zone: string
}

/**
 * The Cloudflare API under `/client/v4`, as far as Skerry's stack asks it: one zone, its records, the token's check.
 * @throws Error when a token does not have the form that clients insist on
 */
export function createCloudflareApi(options: CloudflareApiOptions): Hono {
  for (const token of [options.token, options.readOnlyToken]) {
    if (token !== undefined && !tokenForm.test(token)) {
      throw new Error('a Cloudflare token has 40 to 80 letters, digits, "_" and "-": make it with that form')
    }
  }
  const zone = { id: zoneId(options.zone), name: options.zone }
  const app = new Hono()
  app.onError((error, c) => {
    if (error instanceof CloudflareError) return c.json(error.body, error.status)
    console.error(error)
    const fault = new CloudflareError('fault', [{ code: 10001, message: error.message }])
    return c.json(fault.body, fault.status)
  })
  app.notFound((c) => c.json(new CloudflareError('noRoute').body, 404))
  administer(app, '/client/v4/*', options.faultToken)
  app.use('/client/v4/*', authenticate(options), limitRate(new Bucket(burst, refillMilliseconds)))
  app.use(
    bodyLimit({
      maxSize: maximumBody,
      onError: () => {
        throw new CloudflareError('tooLarge')
      },
    }),
  )
  const onlyThisZone: MiddlewareHandler = async (c, next) => {
    const id = c.req.param('zone') ?? ''
    if (!/^[0-9a-f]{32}$/.test(id)) throw new CloudflareError('noRoute')
    if (id !== zone.id) throw new CloudflareError('forbiddenResource')
    await next()
  }
  app.use('/client/v4/zones/:zone', onlyThisZone)
  app.use('/client/v4/zones/:zone/*', onlyThisZone)
  return app
    .get('/client/v4/user/tokens/verify', (c) =>
      success(c, { id: zoneId(options.token), status: 'active' }, [
        { code: 10000, message: 'This API Token is valid and active', type: null },
      ]),
    )
    .route('/client/v4/zones', zoneRoutes(zone))
    .route('/client/v4/zones/:zone/dns_records', recordRoutes(options.store, options.datacenter, zone))
}

function authenticate({ token, readOnlyToken }: CloudflareApiOptions): MiddlewareHandler {
  return async (c, next) => {
    const header = c.req.header('authorization')
    if (header === undefined) throw new CloudflareError('missingHeaders')
    const given = bearerToken(header) ?? ''
    if (!tokenForm.test(given)) {
      throw new CloudflareError('invalidHeaders', [{ code: 6111, message: 'Invalid format for Authorization header' }])
    }
    const mayWrite = sameToken(given, token)
    if (!mayWrite && !sameToken(given, readOnlyToken)) {
      throw new CloudflareError(c.req.path.endsWith('/user/tokens/verify') ? 'invalidToken' : 'invalidAccessToken')
    }
    if (!mayWrite && c.req.method !== 'GET') throw new CloudflareError('forbiddenMethod')
    await next()
  }
}

function limitRate(bucket: Bucket): MiddlewareHandler {
  return async (c, next) => {
    if (!bucket.take()) {
      c.header('Retry-After', '1')
      throw new CloudflareError('rateLimit')
    }
    await next()
  }
}
