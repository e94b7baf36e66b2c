import { execa } from 'execa'
import { instance } from './sandbox.ts'

const table = `inet ${instance.name}-e2e`

/**
 * Puts rules of this host in force, in a table of their own, instead of those before.
 * @param hook `input`: what servers send to the sandbox's cloud; `output`: what the cloud and clients send to servers
 * @param rules as nft spells them
 */
export async function filterPackets(hook: 'input' | 'output', ...rules: readonly string[]): Promise<void> {
  await letPacketsPass()
  const lines = [
    `add table ${table}`,
    `add chain ${table} packets { type filter hook ${hook} priority 0 ; }`,
    ...rules.map((rule) => `add rule ${table} packets ${rule}`),
  ]
  await execa('nft', ['-f', '-'], { input: `${lines.join('\n')}\n` })
}

export async function letPacketsPass(): Promise<void> {
  // Adding first: removing what is not there would be an error.
  await execa('nft', ['-f', '-'], { input: `add table ${table}\ndelete table ${table}\n` })
}
