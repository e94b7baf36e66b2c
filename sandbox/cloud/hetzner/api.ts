import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { administer } from '../administration.ts'
import { bearerToken, sameToken } from '../bearer.ts'
import { Bucket } from '../bucket.ts'
import type { Datacenter } from '../datacenter.ts'
import type { CloudStore } from '../store.ts'
import { Actions, actionRoutes } from './actions.ts'
import type { Architecture } from './catalogue.ts'
import type { Project } from './context.ts'
import { HetznerError } from './errors.ts'
import { firewallRoutes } from './firewalls.ts'
import { imageRoutes, locationRoutes, serverTypeRoutes } from './offers.ts'
import { primaryIpRoutes } from './primary-ips.ts'
import { serverActionRoutes } from './server-actions.ts'
import { serverRoutes } from './servers.ts'
import { Shortages, shortageRoutes } from './shortages.ts'
import { sshKeyRoutes } from './ssh-keys.ts'
import { Turns } from './turns.ts'
import { volumeRoutes } from './volumes.ts'

/** User data of 32 KiB may be six times as long when every byte is escaped in JSON. */
const maximumBody = 256 * 1024

/** As the API: 3,600 requests an hour, one comes back every second. */
const requestsPerHour = 3600

export interface HetznerApiOptions {
  readonly store: CloudStore
  readonly datacenter: Datacenter
  /** 64 letters and digits, may do everything. */
  readonly token: string
  /** As `token`, may only read. */
  readonly readOnlyToken?: string
  /** For `/_faults` and `/_shortages`; absent: there are none. */
  readonly faultToken?: string
  /** IPv4 network of the servers, CIDR /24. */
  readonly network: string
  /** IPv6 network of the servers, CIDR /48. */
  readonly network6: string
  /** Architecture of the machines that can be had; by default this host's. */
  readonly architecture?: Architecture
}

/**
 * The Hetzner Cloud API under `/v1`, as far as Skerry's stack asks it, on top of a machine room.
 * @throws Error when a token does not have the form that clients insist on
 */
export function createHetznerApi(options: HetznerApiOptions): Hono {
  for (const token of [options.token, options.readOnlyToken]) {
    if (token !== undefined && !/^[0-9A-Za-z]{64}$/.test(token)) {
      throw new Error('a Hetzner Cloud token has exactly 64 letters and digits: make it with that form')
    }
  }
  const { store, datacenter, network, network6 } = options
  const architecture = options.architecture ?? (process.arch === 'arm64' ? 'arm' : 'x86')
  const shortages = new Shortages()
  const addresses = { network, network6 }
  const work = { actions: new Actions(store), turns: new Turns() }
  const project: Project = { store, datacenter, ...addresses, architecture, shortages, ...work }

  const app = new Hono()
  app.onError((error, c) => {
    if (error instanceof HetznerError) return c.json(error.body, error.status)
    console.error(error)
    const fault = new HetznerError('server_error', `the emulated API has a fault: ${error.message}`)
    return c.json(fault.body, fault.status)
  })
  app.notFound((c) => c.json(new HetznerError('not_found', `no ${c.req.method} ${c.req.path} here`).body, 404))
  const onlyAdministrators = administer(app, '/v1/*', options.faultToken)
  if (onlyAdministrators) app.use('/_shortages', onlyAdministrators).route('/_shortages', shortageRoutes(shortages))
  app.use('/v1/*', authenticate(options), limitRate(new Bucket(requestsPerHour, 1000)))
  app.use(
    bodyLimit({
      maxSize: maximumBody,
      onError: () => {
        throw new HetznerError('request_too_large', `the body is larger than ${maximumBody} bytes`)
      },
    }),
  )
  return app
    .route('/v1/actions', actionRoutes(store))
    .route('/v1/locations', locationRoutes())
    .route('/v1/server_types', serverTypeRoutes(project))
    .route('/v1/images', imageRoutes())
    .route('/v1/ssh_keys', sshKeyRoutes(project))
    .route('/v1/firewalls', firewallRoutes(project))
    .route('/v1/primary_ips', primaryIpRoutes(project))
    .route('/v1/volumes', volumeRoutes(project))
    .route('/v1/servers', serverRoutes(project))
    .route('/v1/servers', serverActionRoutes(project))
}

function authenticate({ token, readOnlyToken }: HetznerApiOptions): MiddlewareHandler {
  return async (c, next) => {
    const given = bearerToken(c.req.header('authorization')) ?? ''
    const mayWrite = sameToken(given, token)
    if (!mayWrite && !sameToken(given, readOnlyToken)) {
      throw new HetznerError('unauthorized', 'unable to authenticate')
    }
    if (!mayWrite && c.req.method !== 'GET') {
      throw new HetznerError('token_readonly', 'the token is only allowed to perform GET requests')
    }
    await next()
  }
}

function limitRate(bucket: Bucket): MiddlewareHandler {
  return async (c, next) => {
    const allowed = bucket.take()
    c.header('RateLimit-Limit', String(bucket.capacity))
    c.header('RateLimit-Remaining', String(bucket.remaining))
    c.header('RateLimit-Reset', String(bucket.fullAt))
    if (!allowed) {
      throw new HetznerError('rate_limit_exceeded', `limit of ${bucket.capacity} requests per hour reached`)
    }
    await next()
  }
}
