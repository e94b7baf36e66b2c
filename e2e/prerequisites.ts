import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'

/** Programs that the tests drive, with the Debian package that brings each; clients only: none starts a daemon. */
const programs = {
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  mosquitto_rr: 'mosquitto-clients',
  chromium: 'chromium',
  certutil: 'libnss3-tools',
  openssl: 'openssl',
  stdbuf: 'coreutils',
} as const

type Program = keyof typeof programs

/**
 * Installs the packages of the programs that are missing, as root on Debian.
 * @param needed all of them unless named
 * @throws Error naming them where it may or can not
 */
export async function installPrerequisites(needed = Object.keys(programs) as readonly Program[]): Promise<void> {
  const found = await Promise.all(needed.map(isOnPath))
  const missing = needed.filter((_, index) => !found[index])
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((name) => programs[name]))]
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || !(await isOnPath('apt-get'))) {
    throw new Error(`The tests need ${missing.join(', ')} on the PATH. On Debian, as root: ${command}`)
  }
  const apt = { env: { DEBIAN_FRONTEND: 'noninteractive' }, all: true, reject: false } as const
  await execa('apt-get', ['-o', 'DPkg::Lock::Timeout=120', 'update'], apt)
  const { exitCode, all } = await execa(
    'apt-get',
    ['-o', 'DPkg::Lock::Timeout=120', '-y', 'install', '--no-install-recommends', ...packages],
    apt,
  )
  if (exitCode !== 0) throw new Error(`"${command}" failed; its last lines:\n${all.split('\n').slice(-10).join('\n')}`)
}

async function isOnPath(name: string): Promise<boolean> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    if (directory === '') continue
    const executable = await access(join(directory, name), constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return true
  }
  return false
}
