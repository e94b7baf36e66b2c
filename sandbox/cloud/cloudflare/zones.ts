import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { page, success } from './envelope.ts'

export interface Zone {
  readonly id: string
  readonly name: string
}

/** The id that the zone of this name has in every sandbox: 32 hexadecimal digits. */
export const zoneId = (name: string) => createHash('sha256').update(name).digest('hex').slice(0, 32)

/** `/zones`: the one zone that the account has. */
export function zoneRoutes(zone: Zone): Hono {
  const rendered = render(zone)
  return new Hono()
    .get('/', (c) => {
      const name = c.req.query('name')
      return page(c, name === undefined || name.toLowerCase() === zone.name ? [rendered] : [], 20, 50)
    })
    .get('/:zone', (c) => success(c, rendered))
}

function render({ id, name }: Zone) {
  const made = '2025-01-01T00:00:00.000000Z'
  return {
    id,
    name,
    status: 'active',
    paused: false,
    type: 'full',
    development_mode: 0,
    name_servers: [`ns1.${name}`, `ns2.${name}`],
    original_name_servers: null,
    original_registrar: null,
    original_dnshost: null,
    modified_on: made,
    created_on: made,
    activated_on: made,
    meta: { step: 4, custom_certificate_quota: 0, page_rule_quota: 3, phishing_detected: false },
    owner: { id: null, type: 'user', email: null },
    account: { id, name: 'Sandbox' },
    tenant: { id: null, name: null },
    tenant_unit: { id: null },
    permissions: ['#dns_records:edit', '#dns_records:read', '#zone:read'],
    plan: { id: '0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee', name: 'Free Website', price: 0, currency: 'USD', frequency: '' },
  }
}
