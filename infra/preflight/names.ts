import { importCommand, recoverCommand } from './adoption.ts'
import type { Kind, Named } from './hetzner.ts'

const words: Readonly<Record<Kind, string>> = {
  primary_ips: 'a Primary IP',
  volumes: 'a volume',
  firewalls: 'a firewall',
  ssh_keys: 'an SSH key',
  servers: 'a server',
}

/** What is worth more than its name: an address that clients know, data. */
const adoptable: ReadonlySet<Kind> = new Set(['primary_ips', 'volumes'])

/** Says that a name at Hetzner is somebody's already, and what to do. */
export function nameTaken(kind: Kind, { id, name, labels }: Named, urn: string): string {
  const origin =
    labels['managed-by'] === 'skerry'
      ? `It was made by Skerry: by a stack with the same hostname, before the state was lost, or by an up that was killed. After that one:\n  ${recoverCommand(urn)}`
      : 'It was not made by Skerry.'
  const remedy = adoptable.has(kind)
    ? ['To let this stack have it:', `  ${importCommand(urn, String(id))}`, 'Or choose another skerry:hostname.']
    : ['Delete or rename it in the console (https://console.hetzner.cloud), or choose another skerry:hostname.']
  return [`The project at Hetzner has ${words[kind]} named ${name} already (id ${id}). ${origin}`, ...remedy].join('\n')
}
