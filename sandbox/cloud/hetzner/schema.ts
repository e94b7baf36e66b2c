import { z } from 'zod'

/** What hcloud-go parses: the fields that it reads and their types, for the contract tests. */

const time = z.iso.datetime({ offset: true })
const labels = z.record(z.string(), z.string())

export const location = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  country: z.string(),
  city: z.string(),
  latitude: z.number(),
  longitude: z.number(),
  network_zone: z.string(),
})

const decimal = z.string().regex(/^\d+\.\d+$/)
const price = z.object({ net: decimal, gross: decimal })

export const serverType = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  category: z.string(),
  cores: z.int(),
  memory: z.number(),
  disk: z.int(),
  storage_type: z.enum(['local', 'network']),
  cpu_type: z.enum(['shared', 'dedicated']),
  architecture: z.enum(['x86', 'arm']),
  deprecation: z.null(),
  prices: z.array(
    z.object({
      location: z.string(),
      price_hourly: price,
      price_monthly: price,
      included_traffic: z.int(),
      price_per_tb_traffic: price,
    }),
  ),
  locations: z.array(z.object({ id: z.int(), name: z.string(), deprecation: z.null(), available: z.boolean() })).min(1),
})

export const image = z.object({
  id: z.int(),
  type: z.literal('system'),
  status: z.literal('available'),
  name: z.string(),
  description: z.string(),
  disk_size: z.number(),
  created: time,
  os_flavor: z.string(),
  os_version: z.string(),
  rapid_deploy: z.boolean(),
  protection: z.object({ delete: z.boolean() }),
  deprecated: z.null(),
  labels,
  architecture: z.enum(['x86', 'arm']),
})

export const action = z.object({
  id: z.int(),
  command: z.string(),
  status: z.enum(['running', 'success', 'error']),
  progress: z.int().min(0).max(100),
  started: time,
  finished: time.nullable(),
  resources: z.array(z.object({ id: z.int(), type: z.string() })),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})

export const sshKey = z.object({
  id: z.int(),
  name: z.string(),
  fingerprint: z.string().regex(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/),
  public_key: z.string(),
  labels,
  created: time,
})

export const firewall = z.object({
  id: z.int(),
  name: z.string(),
  labels,
  created: time,
  rules: z.array(
    z.object({
      direction: z.literal('in'),
      protocol: z.string(),
      port: z.string().nullable(),
      source_ips: z.array(z.string()),
      destination_ips: z.array(z.string()),
      description: z.string().nullable(),
    }),
  ),
  applied_to: z.array(z.object({ type: z.literal('server'), server: z.object({ id: z.int() }) })),
})

const pointer = z.object({ ip: z.string(), dns_ptr: z.string() })

export const primaryIp = z.object({
  id: z.int(),
  name: z.string(),
  type: z.enum(['ipv4', 'ipv6']),
  ip: z.union([z.ipv4(), z.cidrv6()]),
  labels,
  created: time,
  protection: z.object({ delete: z.boolean() }),
  dns_ptr: z.array(pointer),
  assignee_id: z.int().nullable(),
  assignee_type: z.literal('server'),
  auto_delete: z.boolean(),
  blocked: z.boolean(),
  location,
})

export const volume = z.object({
  id: z.int(),
  name: z.string(),
  server: z.int().nullable(),
  status: z.enum(['creating', 'available']),
  location,
  size: z.int(),
  format: z.string().nullable(),
  protection: z.object({ delete: z.boolean() }),
  labels,
  linux_device: z.string(),
  created: time,
})

export const server = z.object({
  id: z.int(),
  name: z.string(),
  status: z.string(),
  created: time,
  public_net: z.object({
    ipv4: z.object({ id: z.int(), ip: z.ipv4(), blocked: z.boolean(), dns_ptr: z.string() }).nullable(),
    ipv6: z.object({ id: z.int(), ip: z.cidrv6(), blocked: z.boolean(), dns_ptr: z.array(pointer) }).nullable(),
    floating_ips: z.array(z.int()),
    firewalls: z.array(z.object({ id: z.int(), status: z.enum(['applied', 'pending']) })),
  }),
  private_net: z.array(z.unknown()),
  server_type: serverType,
  location,
  image,
  iso: z.null(),
  rescue_enabled: z.boolean(),
  locked: z.boolean(),
  backup_window: z.string().nullable(),
  outgoing_traffic: z.int().nullable(),
  ingoing_traffic: z.int().nullable(),
  included_traffic: z.int(),
  primary_disk_size: z.int(),
  protection: z.object({ delete: z.boolean(), rebuild: z.boolean() }),
  labels,
  volumes: z.array(z.int()),
  load_balancers: z.array(z.int()),
  placement_group: z.null(),
})

export const pagination = z.object({
  pagination: z.object({
    page: z.int(),
    per_page: z.int(),
    previous_page: z.int().nullable(),
    next_page: z.int().nullable(),
    last_page: z.int(),
    total_entries: z.int(),
  }),
})
