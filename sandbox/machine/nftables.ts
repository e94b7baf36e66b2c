import { execa } from 'execa'

/** @param text one transaction: all of it holds, or nothing */
export async function nft(text: string): Promise<void> {
  await execa('nft', ['-f', '-'], { input: text })
}

/** @returns the names of this host's `inet` tables */
export async function nftTables(): Promise<string[]> {
  const result = await execa('nft', ['list', 'tables'], { reject: false })
  if (result.code === 'ENOENT') throw result
  if (result.exitCode !== 0) throw new Error(`nft does not list its tables: ${result.stderr}`)
  return result.stdout.split('\n').flatMap((line) => /^table inet (\S+)$/.exec(line)?.[1] ?? [])
}
