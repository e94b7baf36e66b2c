import { serverFiles } from './rendered.ts'
import type { Check } from './run.ts'
import { checkCloudInit, checkFirewall, checkGixy, checkNginx, checkUnits } from './server.ts'
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
  { name: 'nginx', purpose: "the web front's configuration, by nginx", run: async () => checkNginx(serverFiles()) },
  { name: 'gixy', purpose: 'weaknesses in it that nginx does not mind', run: async () => checkGixy(serverFiles()) },
  { name: 'units', purpose: 'the systemd units, by systemd-analyze', run: async () => checkUnits(serverFiles()) },
  { name: 'firewall', purpose: "the server's own firewall, by nft", run: async () => checkFirewall(serverFiles()) },
  {
    name: 'cloud-init',
    purpose: 'user_data by cloud-init, and the files it writes by their own programs',
    run: async () => checkCloudInit(serverFiles()),
  },
]
