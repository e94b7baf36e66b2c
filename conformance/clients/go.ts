import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { cacheDirectory } from '../../sandbox/instance.ts'
import { NotRun } from '../../tools/check/outcome.ts'

/**
 * Builds the Go program of a directory, whose modules its go.sum fixes, unless the cache has it.
 *
 * @returns the path of the executable
 * @throws NotRun when there is no Go that can build it here
 */
export async function buildGo(directory: string): Promise<string> {
  const environment = { GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-buildvcs=false' }
  const options = { cwd: directory, env: environment, reject: false, stdin: 'ignore', timeout: 300_000 } as const
  const version = await execa('go', ['env', 'GOVERSION'], options)
  if (version.exitCode !== 0) throw new NotRun('there is no Go on PATH', 'install Go 1.25 or newer (https://go.dev/dl)')

  const hash = createHash('sha256').update(`${version.stdout} ${process.platform} ${process.arch}`)
  for (const file of (await readdir(directory)).sort()) hash.update(await readFile(join(directory, file)))
  const folder = join(cacheDirectory, 'clients')
  const path = join(folder, `go-${hash.digest('hex').slice(0, 16)}`)
  if (existsSync(path)) return path
  await mkdir(folder, { recursive: true })
  // Under its name only when it is complete.
  const partial = `${path}.${process.pid}`
  const built = await execa('go', ['build', '-mod=readonly', '-trimpath', '-o', partial, '.'], {
    ...options,
    all: true,
  })
  if (built.exitCode !== 0) {
    const said = built.all.trim().split('\n').at(-1) || built.shortMessage
    throw new NotRun(`the Go client cannot be built: ${said}`, 'install Go 1.25 or newer, or look at the network')
  }
  await rename(partial, path)
  return path
}
