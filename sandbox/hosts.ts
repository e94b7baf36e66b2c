import { readFile, writeFile } from 'node:fs/promises'
import type { Instance } from './instance.ts'

const hostsFile = '/etc/hosts'
const mark = ({ name }: Instance) => `# ${name} (npm run sandbox -- down removes this line)`

/** The text without the lines of this instance. */
export function withoutEntries(text: string, instance: Instance): string {
  return text
    .split('\n')
    .filter((line) => !line.endsWith(mark(instance)))
    .join('\n')
}

/** The text with one marked line for each address of this instance; every other byte stays. */
export function withEntries(text: string, instance: Instance, addresses: readonly string[]): string {
  const rest = withoutEntries(text, instance)
  const separator = rest === '' || rest.endsWith('\n') ? '' : '\n'
  const lines = addresses.map((address) => `${address} ${instance.hostname} ${mark(instance)}\n`)
  return `${rest}${separator}${lines.join('')}`
}

/** Makes the instance's hostname resolve on this host; Mosquitto's clients cannot be told an address for a name. */
export async function addHostsEntries(instance: Instance, addresses: readonly string[]): Promise<void> {
  const before = await readFile(hostsFile, 'utf8')
  const after = withEntries(before, instance, addresses)
  // In place, not by rename: in containers /etc/hosts is a mount.
  if (after !== before) await writeFile(hostsFile, after)
}

export async function removeHostsEntries(instance: Instance): Promise<void> {
  const before = await readFile(hostsFile, 'utf8')
  const after = withoutEntries(before, instance)
  if (after !== before) await writeFile(hostsFile, after)
}
