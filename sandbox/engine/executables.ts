import { access, constants, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

/** The first executable file of that name in absolute folders; undefined when there is none. */
export async function findExecutable(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders.filter(isAbsolute)) {
    const path = join(folder, name)
    try {
      await access(path, constants.X_OK)
      if ((await stat(path)).isFile()) return path
    } catch {
      // Not there, or not for us: the next one.
    }
  }
  return undefined
}
