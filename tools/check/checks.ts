import type { Check } from './run.ts'
import { checkLint, checkShell, checkTypes, checkUnused } from './source.ts'
import { checkTree } from './tidy.ts'

const project = new URL('../..', import.meta.url).pathname

/** Everything that `npm run check` knows. */
export const checks: readonly Check[] = [
  { name: 'types', purpose: 'TypeScript, strict', run: () => checkTypes(project) },
  { name: 'lint', purpose: 'style and suspicious code (biome)', run: () => checkLint(project) },
  { name: 'unused', purpose: 'files, exports and packages that nothing uses (knip)', run: () => checkUnused(project) },
  { name: 'shell', purpose: 'every shell script (shellcheck)', run: () => checkShell(project) },
  { name: 'tree', purpose: 'nothing in the tree names a machine or a package registry', run: () => checkTree(project) },
]
