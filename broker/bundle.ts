import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** The broker as one file (an ES module for Node 24) that runs without anything beside it; the same sources give the same bytes. */
export async function bundleBroker(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: ['broker/main.ts'],
    // Paths from here on stand in the output, so they must not depend on where the repository lies.
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    legalComments: 'none',
    // The CommonJS packages in it call require() for Node's own modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    write: false,
    logLevel: 'error',
  })
  const [file] = outputFiles
  if (!file) throw new Error('esbuild gave no file for broker/main.ts.')
  return file.contents
}
