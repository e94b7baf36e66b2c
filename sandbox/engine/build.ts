import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { execa } from 'execa'
import { lock } from 'proper-lockfile'
import { cacheDirectory } from '../instance.ts'

type Report = (line: string) => void

/** Of the module in go.mod. */
const engineVersion = '3.200.0'
const command = 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi'
const oldestGo = [1, 25] as const
const lockStale = 30_000
const lockInterval = 2_000
/** Packages that are compiled, of which a build reports the number. */
const expectedPackages = 1_370

const flags = [
  '-mod=readonly',
  '-trimpath',
  `-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${engineVersion}`,
]

/** @throws Error with the remedy when Go is missing or too old */
async function requireGo(): Promise<string> {
  const remedy = `install Go ${oldestGo.join('.')} or newer (https://go.dev/dl), or Pulumi itself (https://www.pulumi.com/docs/install)`
  const { stdout, failed } = await execa('go', ['env', 'GOVERSION'], { reject: false, env: { GOTOOLCHAIN: 'local' } })
  if (failed) throw new Error(`The Pulumi engine must be built, and there is no Go on PATH: ${remedy}`)
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(stdout) ?? []
  if (Number(major) === oldestGo[0] && Number(minor) >= oldestGo[1]) return stdout.trim()
  throw new Error(`The Pulumi engine must be built, and ${stdout.trim()} is too old for it: ${remedy}`)
}

/** Names what a build is made from: the pinned modules, the compiler, the flags, the machine. */
async function buildHash(go: string): Promise<string> {
  const hash = createHash('sha256')
  for (const name of ['go.mod', 'go.sum']) hash.update(await readFile(join(import.meta.dirname, name)))
  return hash
    .update([go, ...flags, process.platform, process.arch].join('\n'))
    .digest('hex')
    .slice(0, 32)
}

async function compile(folder: string, report: Report): Promise<void> {
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  // In a copy: the module's own folder stays as it was committed.
  for (const name of ['go.mod', 'go.sum']) await copyFile(join(import.meta.dirname, name), join(partial, name))
  const start = Date.now()
  const child = execa('go', ['build', '-v', ...flags, '-o', 'pulumi', command], {
    cwd: partial,
    env: { GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-buildvcs=false' },
    reject: false,
    stdin: 'ignore',
    maxBuffer: 16 * 1024 * 1024,
  })
  let modules = 0
  let packages = 0
  const show = () => {
    const seconds = Math.round((Date.now() - start) / 1000)
    const progress =
      packages > 0 ? `${packages} of about ${expectedPackages} packages` : `${modules} modules downloaded`
    report(`Building Pulumi ${engineVersion}: ${progress}, ${seconds} s (once, about 3 minutes)`)
  }
  const timer = setInterval(show, 2_000)
  try {
    show()
    for await (const line of child.iterable({ from: 'stderr' })) {
      if (line.startsWith('go: downloading ')) modules++
      else if (!line.startsWith('go: ')) packages++
    }
    const { failed, stderr } = await child
    if (failed) {
      const reason = stderr.split('\n').slice(-10).join('\n')
      throw new Error(`The Pulumi engine could not be built in ${partial}:\n${reason}`)
    }
  } finally {
    clearInterval(timer)
  }
  await rename(partial, folder)
}

/**
 * Holds the build's lock, after whoever holds it has finished.
 * @returns releases it
 */
async function lockBuild(folder: string, report: Report): Promise<() => Promise<void>> {
  const start = Date.now()
  for (;;) {
    try {
      return await lock(folder, {
        realpath: false,
        stale: lockStale,
        onCompromised: (error) => report(`The lock of the engine's build was lost: ${error.message}`),
      })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error
      const seconds = Math.round((Date.now() - start) / 1000)
      report(`Another command is building Pulumi ${engineVersion}: waiting, ${seconds} s`)
      await setTimeout(lockInterval)
    }
  }
}

/**
 * Builds the engine from the pinned Go module, whose contents go.sum fixes, unless the cache has it.
 * @throws Error with the remedy when Go is missing, or with its last lines when the build fails
 */
export async function buildEngine(report: Report): Promise<{ pulumi: string; version: string }> {
  const folder = join(cacheDirectory, 'engine', await buildHash(await requireGo()))
  const built = { pulumi: join(folder, 'pulumi'), version: engineVersion }
  if (!existsSync(built.pulumi)) {
    await mkdir(join(cacheDirectory, 'engine'), { recursive: true })
    const release = await lockBuild(folder, report)
    try {
      if (!existsSync(built.pulumi)) await compile(folder, report)
    } finally {
      await release()
    }
  }
  report(`Pulumi ${engineVersion}, built from its Go module`)
  return built
}
