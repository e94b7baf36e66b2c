import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { cacheDirectory } from '../../sandbox/instance.ts'
import { NotRun } from './outcome.ts'

let checkers: Promise<string> | undefined

/**
 * The path of a checker that is distributed as a Python package, pinned by hash in `requirements.txt`; the first call
 * installs them all into a virtual environment in the cache.
 *
 * @throws NotRun when Python cannot make virtual environments here or the packages cannot be had
 */
export async function pythonTool(name: 'gixy' | 'shellcheck'): Promise<string> {
  checkers ??= virtualEnvironment('checkers', new URL('requirements.txt', import.meta.url).pathname)
  return join(await checkers, 'bin', name)
}

/**
 * The path of a virtual environment in the cache with the packages that a requirements file pins by hash; installs it if it
 * is not there.
 *
 * @param name what it is for, of which its directory is named
 * @throws NotRun when Python cannot make virtual environments here or the packages cannot be had
 */
export async function virtualEnvironment(name: string, requirements: string): Promise<string> {
  const hash = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
  const path = join(cacheDirectory, `${name}-${hash.slice(0, 16)}`)
  if (existsSync(path)) return path

  // The scripts inside name the directory they were installed in, so it is not renamed; the link appears when it is complete.
  const made = `${path}.${process.pid}`
  await mkdir(cacheDirectory, { recursive: true })
  try {
    await makeEnvironment(made)
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:']
    await step(
      join(made, 'bin/python3'),
      [...pip, '--require-hashes', '--requirement', requirements],
      'look at the network',
    )
    await symlink(made, path)
  } catch (error) {
    await rm(made, { recursive: true, force: true })
    if (!existsSync(path)) throw error
  }
  return path
}

/** Debian packs what makes virtual environments on its own. */
async function makeEnvironment(path: string): Promise<void> {
  const remedy = 'install Python 3 with its venv module; on Debian: apt-get install python3-venv'
  const make = () => step('python3', ['-m', 'venv', '--clear', path], remedy)
  try {
    await make()
  } catch (error) {
    if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw error
    const options = ['-o', 'DPkg::Lock::Timeout=300', '--quiet', '--yes', '--no-install-recommends']
    await step('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '--quiet', 'update'], remedy)
    await step('apt-get', [...options, 'install', 'python3-venv'], remedy)
    await make()
  }
}

async function step(command: string, args: string[], remedy: string): Promise<void> {
  const result = await execa(command, args, { reject: false, all: true, stdin: 'ignore', timeout: 300_000 })
  if (result.exitCode === 0) return
  const said = result.all?.trim().split('\n').at(-1) || result.shortMessage || 'no answer'
  throw new NotRun(`the Python packages cannot be installed: ${said}`, remedy)
}
