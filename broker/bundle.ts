import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const options: BuildOptions = {
  // Paths from here on stand in the output, so they must not depend on where the repository lies.
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minify: true,
  legalComments: 'none',
  logLevel: 'error',
}

/** The broker as one file (an ES module for Node 24) that runs without anything beside it; the same sources give the same bytes. */
export async function bundleBroker(): Promise<Uint8Array> {
  return await bundle('broker/main.ts', {
    // The CommonJS packages in it call require() for Node's own modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    plugins: [{ name: 'store thread', setup: putThreadInside }],
  })
}

/** A thread needs a module of its own: its code goes into the bundle as a data: URL. */
const putThreadInside: Plugin['setup'] = ({ onLoad }) => {
  onLoad({ filter: /\/sqlite-thread\.ts$/ }, async () => {
    const code = Buffer.from(await bundle('broker/store/sqlite-worker.ts')).toString('base64')
    return { contents: `export const threadSource = new URL('data:text/javascript;base64,${code}')` }
  })
}

async function bundle(entry: string, more: BuildOptions = {}): Promise<Uint8Array> {
  const { outputFiles } = await build({ ...options, ...more, entryPoints: [entry], write: false })
  const [file] = outputFiles
  if (!file) throw new Error(`esbuild gave no file for ${entry}.`)
  return file.contents
}
