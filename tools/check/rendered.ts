import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { renderUserData } from '../../cloud-init/user-data.ts'
import { configurationFiles } from '../../release/configuration.ts'

const cloudConfig = z.object({
  write_files: z.array(
    z.object({ path: z.string().startsWith('/'), content: z.string(), permissions: z.string().optional() }),
  ),
})

let directory: string | undefined

/**
 * The files of a server as they land on it, for the checks that read them: `user-data`, below `written/` what cloud-init
 * writes by it, below `release/` what a release brings without its bundles. Made once, gone when this process ends.
 *
 * @returns the directory
 */
export function serverFiles(): string {
  if (directory !== undefined) return directory
  const top = mkdtempSync(join(tmpdir(), 'skerry-rendered-'))
  process.once('exit', () => rmSync(top, { recursive: true, force: true }))
  directory = top

  const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA check'
  const hostPrivateKey = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n'
  const userData = renderUserData({ deployPublicKey: publicKey, hostPrivateKey, hostPublicKey: publicKey })
  put(top, 'user-data', userData, 0o600)
  for (const { path, content, permissions = '0644' } of cloudConfig.parse(parse(userData)).write_files) {
    put(top, `written${path}`, content, Number.parseInt(permissions, 8))
  }
  const settings = {
    hostname: 'mqtt.example.com',
    acmeDirectory: 'https://acme.example.com/directory',
    acmeEmail: 'operator@example.com',
    plainMqtt: true,
    acknowledge: 'synced',
    administrators: ['admin'],
    architecture: 'x86',
  } as const
  for (const { path, content, executable } of configurationFiles(settings)) {
    put(top, `release/${path}`, content, executable ? 0o755 : 0o644)
  }
  return top
}

function put(top: string, path: string, content: string | Uint8Array, mode: number): void {
  const target = join(top, path)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, content)
  chmodSync(target, mode)
}
