import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { cacheDirectory } from '../instance.ts'
import { type Reach, readReach } from './reach.ts'

/** Image as the cloud names it → suite of Debian. */
export const suites = { 'debian-12': 'bookworm', 'debian-13': 'trixie' } as const
export type Image = keyof typeof suites
export type Suite = (typeof suites)[Image]
export type Report = (message: string) => void

const here = import.meta.dirname
const roots = join(cacheDirectory, 'roots')

/**
 * The root directory of a Debian system as a cloud image holds it: the lower layer of servers, never to be written to.
 * Made at the first call (a minute or two), then kept under a hash of its recipe.
 * @throws Error naming the log when a step fails
 */
export async function ensureBase(suite: Suite, report: Report): Promise<string> {
  const reach = await readReach()
  const scripts = ['root.sh', 'base.sh', 'inside.sh', 'base-packages.sh']
  const root = join(roots, `${suite}-${await recipeHash(scripts, reachText(reach))}`)
  if (await exists(root)) return root
  const files = await mkdtemp(join(tmpdir(), 'skerry-reach-'))
  try {
    await writeReach(files, reach)
    await build(root, ['base.sh', suite, files], report)
  } finally {
    await rm(files, { recursive: true, force: true })
  }
  return root
}

/**
 * The base of Debian 13 with the programs that check our files: nginx, certbot, nft, cloud-init, systemd-analyze.
 * @throws Error naming the log when a step fails
 */
export async function ensureCheckRoot(report: Report): Promise<string> {
  const base = await ensureBase('trixie', report)
  const root = join(
    roots,
    `check-${await recipeHash(['root.sh', 'check-root.sh', 'inside.sh', 'check-packages.sh'], base)}`,
  )
  if (!(await exists(root))) {
    await build(root, ['check-root.sh', base], report)
  }
  return root
}

async function build(root: string, [builder = '', ...options]: string[], report: Report): Promise<void> {
  await mkdir(roots, { recursive: true, mode: 0o700 })
  // The lock is the kernel's and the namespaces die with their first process: a killed run leaves neither.
  const building = execa(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'flock', '--no-fork', `${root}.lock`],
      ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...[join(here, 'root.sh'), root, join(here, builder), ...options],
    ],
    { stdin: 'ignore', stderr: { file: `${root}.log` }, buffer: false, reject: false },
  )
  for await (const line of building) report(String(line))
  if ((await building).exitCode !== 0) {
    throw new Error(`could not make ${basename(root)}: see the end of ${root}.log, then start again`)
  }
}

function reachText(reach: Reach): string {
  return JSON.stringify([reach.mirror, reach.security, reach.aptSettings, ...reach.certificates])
}

async function writeReach(directory: string, reach: Reach): Promise<void> {
  await Promise.all([
    writeFile(join(directory, 'mirror'), reach.mirror),
    writeFile(join(directory, 'security'), reach.security),
    writeFile(join(directory, 'apt.conf'), reach.aptSettings),
    ...[...reach.certificates].map(([name, pem]) => writeFile(join(directory, name), pem)),
  ])
}

/** A recipe is its scripts and what they are given. */
async function recipeHash(scripts: readonly string[], given: string): Promise<string> {
  const hash = createHash('sha256').update(given)
  for (const script of scripts) hash.update('\0').update(await readFile(join(here, script)))
  return hash.digest('hex').slice(0, 12)
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
