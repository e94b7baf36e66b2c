import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'
import { buildEngine } from './build.ts'
import { findExecutable } from './executables.ts'

/** The genuine Pulumi engine on this machine. */
export interface Engine {
  /** The executable, absolute. */
  readonly pulumi: string
  /** Without `v`. */
  readonly version: string
  readonly origin: 'PATH' | 'npm' | 'built'
}

type Report = (line: string) => void

const oldestVersion = [3, 200] as const

/** Whether a version as `pulumi version` prints it is one that the program can rely on. */
export function isRecent(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(version) ?? []
  if (major === undefined || Number(major) !== oldestVersion[0]) return Number(major) > oldestVersion[0]
  return Number(minor) >= oldestVersion[1]
}

/** @returns undefined when it does not work or is too old, after saying so */
async function tryEngine(pulumi: string, origin: Engine['origin'], report: Report): Promise<Engine | undefined> {
  const { stdout, failed } = await execa(pulumi, ['version'], {
    reject: false,
    timeout: 20_000,
    env: { PULUMI_SKIP_UPDATE_CHECK: 'true' },
    stdin: 'ignore',
  })
  const version = stdout.trim().replace(/^v/, '')
  if (!failed && isRecent(version)) return { pulumi, version, origin }
  const fault = failed
    ? 'does not work'
    : `has the version "${version}", and ${oldestVersion.join('.')} or newer is needed`
  report(`${pulumi} ${fault}: not used`)
  return undefined
}

/**
 * Where npm's `pulumi` keeps the engines that it has fetched: its package is only a launcher, which runs its vendor's
 * installation script at the first start. That start is left to the user.
 */
async function fetchedByNpm(): Promise<string[]> {
  const versions = join(process.env.PULUMI_HOME || join(homedir(), '.pulumi'), 'versions')
  const names = await readdir(versions).catch(() => [])
  const newestFirst = names.filter(isRecent).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  return newestFirst.map((name) => join(versions, name, 'bin', 'pulumi'))
}

/**
 * Finds the genuine engine: `pulumi` on PATH, else one that npm's `pulumi` package has fetched, else built from the
 * pinned Go module into the cache, once.
 * @param report shows one line of progress
 * @throws Error with the remedy when there is none and it cannot be built
 */
export async function locateEngine(report: Report): Promise<Engine> {
  const npmLauncher = join('node_modules', '.bin')
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.endsWith(npmLauncher))
  const onPath = await findExecutable('pulumi', path)
  const candidates: [string, Engine['origin']][] = onPath === undefined ? [] : [[onPath, 'PATH']]
  for (const pulumi of await fetchedByNpm()) candidates.push([pulumi, 'npm'])
  for (const [pulumi, origin] of candidates) {
    const engine = await tryEngine(pulumi, origin, report)
    if (!engine) continue
    report(`Pulumi ${engine.version} at ${pulumi}`)
    return engine
  }
  return { ...(await buildEngine(report)), origin: 'built' }
}
