import { execFileSync } from 'node:child_process'
import { closeSync, lstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The files of a work tree that are or may become part of it: in git, or new and not ignored.
 *
 * @returns paths relative to `directory`, sorted
 */
export function treeFiles(directory: string): string[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 50_000_000,
  })
  const files = list.split('\0').filter((file) => lstatSync(join(directory, file), { throwIfNoEntry: false })?.isFile())
  return [...new Set(files)].sort()
}

/** Whether a file is a shell script, by its name or by its first line. */
export function isShell(directory: string, file: string): boolean {
  if (/\.(sh|bash)$/.test(file)) return true
  if (/\.[a-z]+$/i.test(file)) return false
  return /^#!\s*\S*\/(env\s+)?(ba|da)?sh\b/.test(beginning(join(directory, file)))
}

function beginning(path: string): string {
  const bytes = Buffer.alloc(80)
  const file = openSync(path, 'r')
  try {
    return bytes.toString('utf8', 0, readSync(file, bytes))
  } finally {
    closeSync(file)
  }
}
