import { access, constants, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'
import type { Report } from './base.ts'

/** Debian package → what it is wanted for: a program, or a file by its path. None of them starts a daemon. */
const needs: readonly (readonly [debianPackage: string, wanted: string])[] = [
  ['curl', 'curl'],
  ['debian-archive-keyring', '/usr/share/keyrings/debian-archive-keyring.gpg'],
  ['debootstrap', 'debootstrap'],
  ['dnsmasq-base', 'dnsmasq'],
  ['e2fsprogs', 'mkfs.ext4'],
  ['iproute2', 'ip'],
  ['mosquitto-clients', 'mosquitto_pub'],
  ['mount', 'losetup'],
  ['nftables', 'nft'],
  ['openssh-client', 'sftp'],
  ['openssl', 'openssl'],
  ['pebble', 'pebble'],
  ['perl-base', 'perl'],
  ['systemd', '/lib/systemd/systemd-socket-proxyd'],
  ['systemd-container', 'systemd-nspawn'],
  ['util-linux', 'unshare'],
]

const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']

/** @returns the Debian packages that this host lacks */
export async function missing(): Promise<string[]> {
  const found = await Promise.all(needs.map(async ([name, wanted]) => ((await isThere(wanted)) ? [] : [name])))
  return found.flat()
}

/**
 * Installs what is missing through apt-get.
 * @throws Error saying what is missing and what to do, where this is not Debian or Ubuntu, or not root
 */
export async function installPrerequisites(report: Report): Promise<void> {
  const packages = await missing()
  const obstacle = await findObstacle()
  if (obstacle) throw new Error(`${obstacle}${packages.length > 0 ? ` Missing here: ${packages.join(', ')}.` : ''}`)
  if (packages.length === 0) return
  report(`Installing ${packages.join(', ')}`)
  const installing = () => aptGet('install', '--yes', '--no-install-recommends', ...packages)
  // Lists may be absent or name versions that the archive has dropped: read them only when it matters.
  if (!(await installing())) {
    report('Reading the package lists')
    await aptGet('update')
    if (!(await installing())) throw new Error(`apt-get could not install ${packages.join(', ')}: install them by hand`)
  }
}

async function findObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return 'The sandbox boots Debian under systemd-nspawn and needs Linux: run it in a Debian or Ubuntu virtual machine.'
  }
  if (process.getuid?.() !== 0) {
    return 'The sandbox makes network devices, mounts and servers and needs root: run it with sudo.'
  }
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  if ((await missing()).length > 0 && !/^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release)) {
    return 'The sandbox installs packages on Debian and Ubuntu only: install them with your own package manager.'
  }
  return undefined
}

async function aptGet(...options: string[]): Promise<boolean> {
  const { exitCode } = await execa('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '--quiet', ...options], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    reject: false,
  })
  return exitCode === 0
}

async function isThere(wanted: string): Promise<boolean> {
  const paths = wanted.startsWith('/') ? [wanted] : directories.map((directory) => join(directory, wanted))
  const found = await Promise.all(
    paths.map((path) =>
      access(path, wanted.startsWith('/') ? constants.R_OK : constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  )
  return found.includes(true)
}
