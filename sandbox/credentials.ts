import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { sandboxFiles } from './files.ts'
import type { Instance } from './instance.ts'
import { fetchAcmeRoots } from './machine/acme.ts'
import type { Stack } from './stack.ts'
import type { Reach } from './summary.ts'
import { tryUser } from './try-user.ts'

const outputs = z.object({
  hostname: z.string(),
  ipv4Address: z.string(),
  ipv6Address: z.string(),
  urls: z.record(z.string(), z.string()),
  caCertificate: z.string(),
  adminCertificate: z.string(),
  adminKey: z.string(),
  deployKey: z.string(),
  hostPublicKey: z.string(),
})

/** Writes what a client needs from the stack's outputs into files, keys readable by their owner only. */
export async function writeCredentials(instance: Instance, stack: Stack): Promise<Reach> {
  const files = sandboxFiles(instance)
  const found = outputs.parse(await stack.json(['stack', 'output', '--json', '--show-secrets']))
  await mkdir(dirname(files.ca), { recursive: true, mode: 0o700 })
  await writeFile(files.ca, found.caCertificate)
  await writeFile(files.adminCertificate, found.adminCertificate)
  await writeFile(files.adminKey, found.adminKey, { mode: 0o600 })
  await writeFile(files.deployKey, found.deployKey, { mode: 0o600 })
  await writeFile(files.knownHosts, `${found.ipv4Address} ${found.hostPublicKey}\n`)
  await writeFile(files.acmeRoot, await fetchAcmeRoots(instance))
  return {
    instance: instance.number,
    hostname: found.hostname,
    address: found.ipv4Address,
    address6: found.ipv6Address,
    urls: found.urls,
    caFile: files.ca,
    acmeRootFile: files.acmeRoot,
    adminCertificateFile: files.adminCertificate,
    adminKeyFile: files.adminKey,
    tryUser: { name: tryUser, passwordFile: files.tryPassword },
    sshCommand: [
      'ssh',
      ...['-i', files.deployKey, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
      ...['-o', `UserKnownHostsFile=${files.knownHosts}`, '-o', 'StrictHostKeyChecking=yes'],
      `deploy@${found.ipv4Address}`,
    ],
  }
}
