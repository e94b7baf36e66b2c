import { readFile, writeFile } from 'node:fs/promises'
import type { Instance } from './instance.ts'

const hostsFile = '/etc/hosts'

/** The text without the lines of this instance. */
export function withoutEntries(text: string, instance: Instance): string {
  const mark = `# ${instance.name} (npm run sandbox -- down removes this line)`
  return text
    .split('\n')
    .filter((line) => !line.endsWith(mark))
    .join('\n')
}

/** The text with one marked line of this instance; every other byte stays. */
export function withEntry(text: string, instance: Instance, address: string): string {
  const rest = withoutEntries(text, instance)
  const separator = rest === '' || rest.endsWith('\n') ? '' : '\n'
  return `${rest}${separator}${address} ${instance.hostname} # ${instance.name} (npm run sandbox -- down removes this line)\n`
}

/** Makes the instance's hostname resolve to `address` on this host; Mosquitto's clients cannot be told an address for a name. */
export async function addHostsEntry(instance: Instance, address: string): Promise<void> {
  const before = await readFile(hostsFile, 'utf8')
  const after = withEntry(before, instance, address)
  // In place, not by rename: in containers /etc/hosts is a mount.
  if (after !== before) await writeFile(hostsFile, after)
}

export async function removeHostsEntry(instance: Instance): Promise<void> {
  const before = await readFile(hostsFile, 'utf8')
  const after = withoutEntries(before, instance)
  if (after !== before) await writeFile(hostsFile, after)
}
