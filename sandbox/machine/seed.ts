import type { ServerOrder } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'
import { gateway, gateway6 } from './network.ts'

/** Files of a new server's disk that the provider writes: path to contents. */
export function seedFiles(instance: Instance, order: ServerOrder): ReadonlyMap<string, string> {
  const cloudInit = 'var/lib/cloud/seed/nocloud'
  return new Map([
    [`${cloudInit}/user-data`, order.userData],
    [`${cloudInit}/meta-data`, json(metaData(order))],
    [`${cloudInit}/network-config`, json(networkConfig(instance, order))],
    [
      'etc/resolv.conf',
      nameServers(instance, order)
        .map((address) => `nameserver ${address}\n`)
        .join(''),
    ],
  ])
}

/** YAML reads JSON, and JSON has no surprises with names such as `no`. */
function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function metaData(order: ServerOrder): object {
  return { 'instance-id': `${order.id}`, 'local-hostname': order.name, 'public-keys': order.sshKeys }
}

/** Version 1: cloud-init renders version 2 with an on-link gateway for ifupdown in a way that does not come up. */
function networkConfig(instance: Instance, order: ServerOrder): object {
  const dns_nameservers = nameServers(instance, order)
  const subnets = [
    { type: 'static', address: `${order.ipv4}/32`, gateway, dns_nameservers },
    ...(order.ipv6 === null ? [] : [{ type: 'static6', address: `${order.ipv6}1/64`, gateway: gateway6 }]),
  ]
  return { version: 1, config: [{ type: 'physical', name: 'eth0', subnets }] }
}

function nameServers({ edge, edge6 }: Instance, { ipv6 }: ServerOrder): string[] {
  return ipv6 === null ? [edge] : [edge, edge6]
}
