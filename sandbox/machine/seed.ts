import type { ServerOrder } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'
import { gateway } from './network.ts'

/** Files of a new server's disk that the provider writes: path to contents. */
export function seedFiles(instance: Instance, order: ServerOrder): ReadonlyMap<string, string> {
  const cloudInit = 'var/lib/cloud/seed/nocloud'
  return new Map([
    [`${cloudInit}/user-data`, order.userData],
    [`${cloudInit}/meta-data`, json(metaData(order))],
    [`${cloudInit}/network-config`, json(networkConfig(instance, order))],
    ['etc/resolv.conf', `nameserver ${instance.edge}\n`],
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
  const subnet = { type: 'static', address: `${order.ipv4}/32`, gateway, dns_nameservers: [instance.edge] }
  return { version: 1, config: [{ type: 'physical', name: 'eth0', subnets: [subnet] }] }
}
