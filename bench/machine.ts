import { readFile } from 'node:fs/promises'
import { cpus, release, totalmem } from 'node:os'

/** Where numbers were measured. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  /** GiB. */
  readonly memory: number
  readonly kernel: string
  readonly system: string
  readonly node: string
}

export async function describeMachine(): Promise<Machine> {
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(await readFile('/etc/os-release', 'utf8').catch(() => ''))?.[1]
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    system: system ?? process.platform,
    node: process.version,
  }
}
