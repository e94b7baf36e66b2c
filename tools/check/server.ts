import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureCheckRoot } from '../../sandbox/machine/base.ts'
import { runInRoot } from '../../sandbox/machine/in-root.ts'
import { installPrerequisites } from '../../sandbox/machine/prerequisites.ts'
import { failed, NotRun, type Outcome, passed, runChecker } from './outcome.ts'
import { pythonTool } from './python.ts'

let root: Promise<string> | undefined

/** The cached root of a server, made at the first call (minutes when it is not in the cache). */
async function serverRoot(): Promise<string> {
  if (process.platform !== 'linux') throw new NotRun(`it needs Linux, this is ${process.platform}`, 'run it on Linux')
  if (process.getuid?.() !== 0) throw new NotRun("it needs root, for a server's root directory", 'run it with sudo')
  root ??= makeRoot()
  return root
}

async function makeRoot(): Promise<string> {
  const report = (message: string) => console.error(message)
  try {
    await installPrerequisites(report)
    return await ensureCheckRoot(report)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new NotRun(`there is no root of a server: ${reason}`, 'mend that, or run it on Debian as root')
  }
}

/**
 * Runs `server/NAME.sh` inside the root of a server: it has the programs that will read these files, and none of them
 * starts on this host.
 *
 * @param rendered a directory as `serverFiles` makes it
 * @throws NotRun where there can be no such root
 */
async function insideServer(name: string, rendered: string): Promise<Outcome> {
  const script = join(import.meta.dirname, 'server', `${name}.sh`)
  const binds = { '/check': rendered, '/tmp/check.sh': script }
  const { exitCode, stdout, stderr } = await runInRoot(await serverRoot(), ['/bin/bash', '/tmp/check.sh'], { binds })
  return exitCode === 0
    ? passed
    : failed(`${stdout}${stderr}`.trim() || `${name}.sh ended with exit status ${exitCode}`)
}

/** The web front's configuration, read by nginx itself. */
export const checkNginx = (rendered: string): Promise<Outcome> => insideServer('nginx', rendered)

/** The systemd units. */
export const checkUnits = (rendered: string): Promise<Outcome> => insideServer('units', rendered)

/** The server's own firewall, as cloud-init and as the release leaves it. */
export const checkFirewall = (rendered: string): Promise<Outcome> => insideServer('firewall', rendered)

/** user_data, and the files it writes. */
export const checkCloudInit = (rendered: string): Promise<Outcome> => insideServer('cloud-init', rendered)

/** Weaknesses in the web front's configuration that nginx does not mind. */
export async function checkGixy(rendered: string): Promise<Outcome> {
  const directory = join(rendered, 'release/nginx')
  const files = readdirSync(directory).filter((name) => name.endsWith('.conf'))
  // gixy reads what `nginx -T` prints: nginx.conf first, each file after a line with its path, so that includes are found.
  files.sort((one, other) => Number(other === 'nginx.conf') - Number(one === 'nginx.conf'))
  const dump = await Promise.all(
    files.map(
      async (name) => `# configuration file /etc/nginx/${name}:\n${await readFile(join(directory, name), 'utf8')}`,
    ),
  )
  // try_files is about the speed of large sites; this one is a page.
  return runChecker(rendered, [await pythonTool('gixy'), '--skips=try_files_is_evil_too', '-'], dump.join('\n'))
}
