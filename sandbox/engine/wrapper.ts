import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`

/** Makes an executable that becomes the given command; another one may be starting it meanwhile. */
export async function writeWrapper(folder: string, name: string, command: readonly string[]): Promise<void> {
  const partial = join(folder, `.${name}.${process.pid}.partial`)
  await writeFile(partial, `#!/bin/sh\nexec ${command.map(quoted).join(' ')} "$@"\n`, { mode: 0o755 })
  await rename(partial, join(folder, name))
}
