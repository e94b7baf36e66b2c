import { type Outcome, passed, runChecker } from './outcome.ts'
import { pythonTool } from './python.ts'
import { isShell, treeFiles } from './tree.ts'

/** Types: the strict compiler over everything that `tsconfig.json` takes in. */
export function checkTypes(directory: string): Promise<Outcome> {
  return runChecker(directory, ['tsc', '--project', '.', '--pretty', 'false'])
}

/** Lint and format. */
export function checkLint(directory: string): Promise<Outcome> {
  return runChecker(directory, ['biome', 'check', '--colors=off', '--error-on-warnings', '.'])
}

/** Files, exports and dependencies that nothing uses, and those that are used but not declared. */
export function checkUnused(directory: string): Promise<Outcome> {
  return runChecker(directory, ['knip', '--no-progress'])
}

/** Every shell script, by its extension or its first line. */
export async function checkShell(directory: string): Promise<Outcome> {
  const scripts = treeFiles(directory).filter((file) => isShell(directory, file))
  if (scripts.length === 0) return passed
  return runChecker(directory, [await pythonTool('shellcheck'), '--severity=style', '--', ...scripts])
}
