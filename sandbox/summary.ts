import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { sandboxFiles } from './files.ts'
import type { Instance } from './instance.ts'
import type { Timing } from './progress.ts'

/** How a client reaches a standing sandbox; no secret in it, only the names of files that hold them. */
export interface Reach {
  readonly instance: number
  readonly hostname: string
  readonly address: string
  readonly address6: string
  readonly urls: Readonly<Record<string, string>>
  readonly caFile: string
  readonly acmeRootFile: string
  readonly adminCertificateFile: string
  readonly adminKeyFile: string
  readonly tryUser: { readonly name: string; readonly passwordFile: string }
  readonly sshCommand: readonly string[]
}

/** What a person or a test needs to know of a standing sandbox. */
export interface Summary extends Reach {
  readonly engine: string
  readonly timings: readonly Timing[]
}

export async function writeSummary(instance: Instance, summary: Summary): Promise<void> {
  await writeFile(sandboxFiles(instance).summary, `${JSON.stringify(summary, null, 2)}\n`)
}

/** @returns undefined when no `up` of this instance has ended well yet */
export async function readSummary(instance: Instance): Promise<Summary | undefined> {
  const { summary } = sandboxFiles(instance)
  return existsSync(summary) ? JSON.parse(await readFile(summary, 'utf8')) : undefined
}

/** @throws Error that says how to stand the sandbox up */
export async function requireSummary(instance: Instance): Promise<Summary> {
  const summary = await readSummary(instance)
  if (!summary) throw new Error(`Sandbox ${instance.number} does not stand: run "npm run sandbox" first`)
  return summary
}
