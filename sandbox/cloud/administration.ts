import type { Hono, MiddlewareHandler } from 'hono'
import { bearerToken, sameToken } from './bearer.ts'
import { Faults, faultRoutes, happening } from './faults.ts'

/**
 * Puts in front of an emulated API what its provider does not have: faults that tests plan. Beyond its own token it is
 * out of reach for servers: the sandbox's packet filter keeps them from the APIs.
 * @param api the API's own paths: `/v1/*`
 * @param token absent: there is no such thing
 * @returns guards further routes of that kind; undefined where there is no token
 */
export function administer(app: Hono, api: string, token: string | undefined): MiddlewareHandler | undefined {
  if (token === undefined) return undefined
  const onlyAdministrators: MiddlewareHandler = async (c, next) => {
    if (sameToken(bearerToken(c.req.header('authorization')) ?? '', token)) return next()
    return c.json({ error: 'the token is not the one of the sandbox for faults' }, 401)
  }
  const faults = new Faults()
  app.use('/_faults', onlyAdministrators)
  app.route('/_faults', faultRoutes(faults))
  app.use(api, happening(faults))
  return onlyAdministrators
}
