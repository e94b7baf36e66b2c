import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import type { FirewallRule } from '../datacenter.ts'
import type { Rule, State } from '../state.ts'
import { HetznerError } from './errors.ts'

const maximumRules = 50
const maximumNetworks = 100

const network = z.string().superRefine((text, context) => {
  const problem = networkProblem(text)
  if (problem) context.addIssue({ code: 'custom', message: `'${text}' ${problem}` })
})

const rule = z
  .object({
    direction: z.enum(['in', 'out']),
    protocol: z.enum(['tcp', 'udp', 'icmp', 'esp', 'gre']),
    port: z.string().refine(isPortRange, 'must be a port or a range of ports, for example 80 or 80-85').nullish(),
    source_ips: z.array(network).max(maximumNetworks).default([]),
    destination_ips: z.array(network).max(maximumNetworks).default([]),
    description: z.string().max(255).nullish(),
  })
  .superRefine(({ direction, protocol, port, source_ips, destination_ips }, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message })
    const hasPorts = protocol === 'tcp' || protocol === 'udp'
    if (hasPorts && !port) refuse('port', `is required for ${protocol}`)
    if (!hasPorts && port) refuse('port', `is not allowed for ${protocol}`)
    const [needed, other] = direction === 'in' ? ['source_ips', 'destination_ips'] : ['destination_ips', 'source_ips']
    const [neededIps, otherIps] = direction === 'in' ? [source_ips, destination_ips] : [destination_ips, source_ips]
    if (neededIps.length === 0) refuse(needed, `must not be empty for direction ${direction}`)
    if (otherIps.length > 0) refuse(other, `must be empty for direction ${direction}`)
  })

/** The `rules` of a request. */
export const rulesInput = z.array(rule).max(maximumRules, `must not have more than ${maximumRules} rules`)

/**
 * The rules in the form in which the state keeps them.
 * @throws HetznerError `unsupported_error` for what the machine room cannot enforce: better refused than ignored
 */
export function enforceable(rules: z.output<typeof rulesInput>): Rule[] {
  return rules.map(({ direction, protocol, port, source_ips, description }) => {
    if (direction === 'out' || protocol === 'esp' || protocol === 'gre') {
      throw new HetznerError('unsupported_error', 'the sandbox enforces inbound rules for tcp, udp and icmp only')
    }
    return { direction, protocol, port: port ?? null, source_ips, description: description ?? null }
  })
}

/** What the machine room is to enforce for a server: the rules of all its firewalls, or null where it has none. */
export function rulesOf(state: State, server: number): FirewallRule[] | null {
  const applied = state.firewalls.filter(({ servers }) => servers.includes(server))
  if (applied.length === 0) return null
  return applied.flatMap(({ rules }) =>
    rules.map(({ direction, protocol, port, source_ips }) => ({
      direction,
      protocol,
      ...(port === null ? {} : { port }),
      source_ips,
    })),
  )
}

/** A rule as the API shows it, blanks filled in. */
export const renderRule = (stored: Rule) => ({ ...stored, destination_ips: [] })

function isPortRange(text: string): boolean {
  const [, first, last = first] = text.match(/^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/) ?? []
  return first !== undefined && Number(first) <= Number(last) && Number(last) <= 65_535
}

function networkProblem(text: string): string | undefined {
  const [address = '', length = ''] = text.split(/\/(?=\d{1,3}$)/)
  // ipaddr.js reads "10.0.0/8" as inet_aton does; the API does not
  if (isIP(address) === 0 || address.includes('%') || !ipaddr.isValidCIDR(text))
    return 'is not a network in CIDR notation'
  const kind = isIP(address) === 4 ? ipaddr.IPv4 : ipaddr.IPv6
  const start = kind.networkAddressFromCIDR(text).toString()
  return start === kind.parse(address).toString() ? undefined : `is not the start of the network ${start}/${length}`
}
