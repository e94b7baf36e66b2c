import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import type { ServerOrder } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'
import { seedFiles } from './seed.ts'

const bundle = 'etc/ssl/certs/ca-certificates.crt'

/**
 * Makes a new server's disk: what the provider writes, over the base system.
 * @param directory of the server; gets upper/, work/ and root/
 * @param authority PEM file of a certificate authority that the server's system trusts
 */
export async function createDisk(
  instance: Instance,
  order: ServerOrder,
  directory: string,
  base: string,
  authority: string,
): Promise<void> {
  const upper = join(directory, 'upper')
  for (const path of [upper, join(directory, 'work'), join(directory, 'root')]) await makeDirectory(path)
  for (const [path, text] of seedFiles(instance, order)) await putFile(upper, path, text)
  const settings = await readFile(join(import.meta.dirname, 'cloud.cfg.yaml'), 'utf8')
  await putFile(upper, 'etc/cloud/cloud.cfg.d/90-sandbox.cfg', settings)
  await trust(upper, base, authority)
}

/** What `update-ca-certificates` would do, without starting the system for it. */
async function trust(upper: string, base: string, authority: string): Promise<void> {
  const pem = await readFile(authority, 'utf8')
  const { stdout: hash } = await execa('openssl', ['x509', '-in', authority, '-noout', '-subject_hash'])
  await putFile(upper, 'usr/local/share/ca-certificates/sandbox.crt', pem)
  await putFile(upper, bundle, `${await readFile(join(base, bundle), 'utf8')}${pem}`)
  await putFile(upper, `etc/ssl/certs/${hash}.0`, pem)
}

/** Modes are set, not asked for: the umask of whoever runs the sandbox must not reach into the server. */
async function putFile(upper: string, path: string, text: string): Promise<void> {
  const target = join(upper, path)
  const directories: string[] = []
  for (let at = dirname(target); at !== upper; at = dirname(at)) directories.unshift(at)
  for (const directory of directories) await makeDirectory(directory)
  await writeFile(target, text)
  await chmod(target, path.startsWith('var/lib/cloud/') ? 0o600 : 0o644)
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  await chmod(path, 0o755)
}
