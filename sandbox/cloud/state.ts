import { z } from 'zod'

const named = {
  id: z.int(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  created: z.string(),
}

const actionSchema = z.object({
  id: z.int(),
  command: z.string(),
  status: z.enum(['running', 'success', 'error']),
  progress: z.int(),
  started: z.string(),
  finished: z.string().nullable(),
  resources: z.array(z.object({ id: z.int(), type: z.string() })),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})

const sshKeySchema = z.object({ ...named, fingerprint: z.string(), public_key: z.string() })

const ruleSchema = z.object({
  direction: z.literal('in'),
  protocol: z.enum(['tcp', 'udp', 'icmp']),
  port: z.string().nullable(),
  source_ips: z.array(z.string()),
  description: z.string().nullable(),
})

const firewallSchema = z.object({ ...named, rules: z.array(ruleSchema), servers: z.array(z.int()) })

const primaryIpSchema = z.object({
  ...named,
  type: z.enum(['ipv4', 'ipv6']),
  /** IPv4 address, or the bare IPv6 network without its length. */
  address: z.string(),
  location: z.string(),
  server: z.int().nullable(),
  auto_delete: z.boolean(),
  protected: z.boolean(),
  pointers: z.array(z.object({ ip: z.string(), dns_ptr: z.string() })),
})

const volumeSchema = z.object({
  ...named,
  size: z.int(),
  status: z.enum(['creating', 'available']),
  format: z.literal('ext4').nullable(),
  location: z.string(),
  server: z.int().nullable(),
  protected: z.boolean(),
})

const serverSchema = z.object({
  ...named,
  status: z.enum(['initializing', 'starting', 'running', 'stopping', 'off', 'deleting', 'rebuilding', 'unknown']),
  serverType: z.string(),
  image: z.int(),
  location: z.string(),
  userData: z.string(),
  /** Public keys as they were when the server was ordered. */
  sshKeys: z.array(z.string()),
  /** The address that the machine was given when it was made: the one that it answers on. */
  address: z.string(),
  /** The IPv6 network that the machine was given, without its length; it answers as `::1` in it. */
  network6: z.string().nullable(),
  diskSize: z.int(),
  /** An action is under way: every other one is refused. */
  locked: z.boolean(),
  protected: z.boolean(),
})

const dnsRecordSchema = z.object({
  id: z.string(),
  type: z.enum(['A', 'AAAA', 'CAA', 'CNAME', 'TXT']),
  name: z.string(),
  content: z.string(),
  data: z.object({ flags: z.int(), tag: z.string(), value: z.string() }).nullable(),
  ttl: z.int(),
  proxied: z.boolean(),
  comment: z.string().nullable(),
  created_on: z.string(),
  modified_on: z.string(),
})

/** Everything that the emulated cloud remembers; the schema checks a state file when it is loaded. */
export const stateSchema = z.object({
  version: z.literal(1),
  lastId: z.int(),
  sshKeys: z.array(sshKeySchema),
  firewalls: z.array(firewallSchema),
  primaryIps: z.array(primaryIpSchema),
  volumes: z.array(volumeSchema),
  servers: z.array(serverSchema),
  actions: z.array(actionSchema),
  records: z.array(dnsRecordSchema),
})

export type State = z.infer<typeof stateSchema>
export type Action = z.infer<typeof actionSchema>
export type SshKey = z.infer<typeof sshKeySchema>
export type Rule = z.infer<typeof ruleSchema>
export type Firewall = z.infer<typeof firewallSchema>
export type PrimaryIp = z.infer<typeof primaryIpSchema>
export type Volume = z.infer<typeof volumeSchema>
export type Server = z.infer<typeof serverSchema>
export type StoredRecord = z.infer<typeof dnsRecordSchema>

export const emptyState = (): State => ({
  version: 1,
  lastId: 1_000_000,
  sshKeys: [],
  firewalls: [],
  primaryIps: [],
  volumes: [],
  servers: [],
  actions: [],
  records: [],
})
