import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

/** How this host reaches Debian's package archives; empty strings where it has no say. */
export interface Reach {
  readonly mirror: string
  readonly security: string
  /** apt's own settings about proxies, retries and TLS. */
  readonly aptSettings: string
  /** Certificate authorities that the host trusts beyond its distribution's: file name to PEM. */
  readonly certificates: ReadonlyMap<string, string>
}

const certificateDirectory = '/usr/local/share/ca-certificates'

/** Reads it from the host at run time: none of it belongs in the repository. */
export async function readReach(): Promise<Reach> {
  const [release, targets, settings] = await Promise.all([
    readFile('/etc/os-release', 'utf8').catch(() => ''),
    output('apt-get', ['indextargets', '--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages']),
    output('apt-config', ['dump']),
  ])
  return {
    ...debianArchives(release, targets),
    aptSettings: reachSettings(settings),
    certificates: await certificates(),
  }
}

/**
 * @param release contents of /etc/os-release
 * @param targets lines of `URI RELEASE COMPONENT` as apt knows them
 * @returns empty strings on a host that is not Debian: debootstrap knows where Debian is
 */
export function debianArchives(release: string, targets: string): Pick<Reach, 'mirror' | 'security'> {
  const value = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1]
  const codename = value('VERSION_CODENAME')
  if (value('ID') !== 'debian' || !codename) return { mirror: '', security: '' }
  const archive = (suite: string) =>
    targets
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([, name, component]) => name === suite && component === 'main')?.[0] ?? ''
  return { mirror: archive(codename), security: archive(`${codename}-security`) }
}

/** @param dump what `apt-config dump` prints */
export function reachSettings(dump: string): string {
  const wanted = /^Acquire::(http|https|Retries|ForceIPv4|ForceIPv6|Languages|Check-Valid-Until)\b.*;$/
  return dump
    .split('\n')
    .filter((line) => wanted.test(line) && !line.endsWith(' "";'))
    .map((line) => `${line}\n`)
    .join('')
}

async function certificates(): Promise<Map<string, string>> {
  const names = (await readdir(certificateDirectory, { recursive: true }).catch(() => [])).filter((name) =>
    name.endsWith('.crt'),
  )
  const read = async (name: string) =>
    [name.replaceAll('/', '-'), await readFile(join(certificateDirectory, name), 'utf8')] as const
  return new Map(await Promise.all(names.toSorted().map(read)))
}

/** Hosts without apt have nothing to say. */
async function output(command: string, options: string[]): Promise<string> {
  const result = await execa(command, options, { reject: false })
  return result.exitCode === 0 ? result.stdout : ''
}
