import { createHash } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { bundleBroker } from '../broker/bundle.ts'
import { type ArchiveFile, packArchive } from './archive.ts'
import { configurationFiles } from './configuration.ts'
import { type BuiltRuntime, buildRuntime } from './runtime.ts'
import { checkSettings, type ReleaseSettings } from './settings.ts'

export type { ReleaseSettings } from './settings.ts'

export interface BuiltRelease {
  /** `hash`: SHA-256 of the archive at `path`, hexadecimal. */
  readonly release: { readonly hash: string; readonly path: string }
  readonly runtime: BuiltRuntime
}

const root = new URL('../', import.meta.url).pathname

/**
 * Builds both archives under dist/; the same settings and sources give the same bytes.
 * @throws Error when a setting does not fit or a source does not bundle
 */
export async function buildRelease(settings: ReleaseSettings): Promise<BuiltRelease> {
  checkSettings(settings)
  const runtime = await buildRuntime(settings.architecture)
  const files: ArchiveFile[] = [
    ...configurationFiles(settings),
    { path: 'broker.mjs', content: await bundleBroker() },
    { path: 'acme.mjs', content: await bundle('acme/run.ts') },
    { path: 'health.mjs', content: await bundle('health.ts') },
    { path: 'secrets.mjs', content: await bundle('store-secrets.ts') },
    { path: 'status.mjs', content: await bundle('status.ts') },
    { path: 'manifest.json', content: `${JSON.stringify({ settings, node: runtime.version }, null, 2)}\n` },
  ]
  const archive = await packArchive(files, 0)
  const hash = createHash('sha256').update(archive).digest('hex')
  const path = join(root, 'dist', `release-${hash}.tar.gz`)
  await mkdir(join(root, 'dist'), { recursive: true })
  await writeFile(`${path}.${process.pid}.partial`, archive)
  await rename(`${path}.${process.pid}.partial`, path)
  return { release: { hash, path }, runtime }
}

async function bundle(entry: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'release', entry)],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
    // mqtt.js and what it uses are CommonJS and call require() for Node's own modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  })
  const [output] = outputFiles
  if (!output) throw new Error(`esbuild made nothing of release/${entry}`)
  return output.contents
}
