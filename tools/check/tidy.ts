import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failed, type Outcome } from './outcome.ts'
import { treeFiles } from './tree.ts'

const longFile = 250

/** What must not travel with the tree: paths of the machine it was written on, and where its packages were fetched. */
export async function checkTree(directory: string): Promise<Outcome> {
  const top = execFileSync('git', ['rev-parse', '--show-toplevel'], { cwd: directory, encoding: 'utf8' }).trim()
  const faults: string[] = []
  const long: string[] = []
  for (const file of treeFiles(directory)) {
    const lines = (await readFile(join(directory, file), 'utf8')).split('\n')
    faults.push(...faultsIn(file, lines, top))
    if (file.endsWith('.ts') && lines.length - 1 > longFile) long.push(`${file} (${lines.length - 1})`)
  }
  if (faults.length > 0) return failed(faults.join('\n'))
  return long.length === 0
    ? { kind: 'passed' }
    : { kind: 'passed', note: `longer than ${longFile} lines: ${long.join(', ')}` }
}

function faultsIn(file: string, lines: readonly string[], top: string): string[] {
  const faults: string[] = []
  for (const [index, line] of lines.entries()) {
    const at = `${file}:${index + 1}`
    if (line.includes(`${top}/`) || /(^|[^\w./-])\/(home|Users)\/\w+\//.test(line)) {
      faults.push(`${at}: an absolute path of one machine: write it relative to the project`)
    }
    if (file.endsWith('package-lock.json') && /"resolved": *"https?:/.test(line)) {
      faults.push(`${at}: names a package registry: run npm install with this project's .npmrc`)
    }
  }
  return faults
}
