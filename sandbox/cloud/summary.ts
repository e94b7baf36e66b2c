import type { State } from './state.ts'

/** The emulated cloud's contents as `status` shows them. */
export interface CloudSummary {
  readonly servers: readonly {
    readonly id: number
    readonly name: string
    readonly status: string
    readonly type: string
    readonly location: string
    readonly ipv4: string
    readonly ipv6: string | null
    readonly firewalls: readonly string[]
  }[]
  readonly addresses: readonly {
    readonly name: string
    readonly address: string
    /** Name of the server that has it, or null. */
    readonly server: string | null
    readonly protected: boolean
  }[]
  readonly firewalls: readonly { readonly name: string; readonly rules: number }[]
  readonly sshKeys: readonly { readonly name: string; readonly fingerprint: string }[]
  readonly volumes: readonly { readonly name: string; readonly size: number; readonly server: string | null }[]
  readonly records: readonly { readonly name: string; readonly type: string; readonly content: string }[]
  /** Actions that have not ended. */
  readonly underWay: readonly string[]
}

export function summarize(state: State): CloudSummary {
  const serverName = (id: number | null) => state.servers.find((server) => server.id === id)?.name ?? null
  return {
    servers: state.servers.map(({ id, name, status, serverType, location, address, network6 }) => ({
      id,
      name,
      status,
      type: serverType,
      location,
      ipv4: address,
      ipv6: network6 && `${network6}1`,
      firewalls: state.firewalls.filter(({ servers }) => servers.includes(id)).map((firewall) => firewall.name),
    })),
    addresses: state.primaryIps.map((ip) => ({
      name: ip.name,
      address: ip.address,
      server: serverName(ip.server),
      protected: ip.protected,
    })),
    firewalls: state.firewalls.map(({ name, rules }) => ({ name, rules: rules.length })),
    sshKeys: state.sshKeys.map(({ name, fingerprint }) => ({ name, fingerprint })),
    volumes: state.volumes.map(({ name, size, server }) => ({ name, size, server: serverName(server) })),
    records: state.records.map(({ name, type, content }) => ({ name, type, content })),
    underWay: state.actions.filter(({ status }) => status === 'running').map(({ command }) => command),
  }
}
