import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sandboxFiles } from '../../sandbox/files.ts'
import { sandboxTokens } from '../../sandbox/tokens.ts'
import { instance, onServer, run } from '../sandbox.ts'
import { exportStack, nameOf } from '../stack.ts'

/** Name of a secret → strings of which each gives it away. */
export type Secrets = ReadonlyMap<string, readonly string[]>

/** Every secret of the stack, wherever it was made. */
export async function gatherSecrets(): Promise<Secrets> {
  const found = new Map<string, string>()
  const tokens = await sandboxTokens(instance)
  for (const [name, token] of Object.entries(tokens)) found.set(`${name} token`, token)
  const files = sandboxFiles(instance)
  found.set('passphrase', await readFile(files.passphrase, 'utf8'))
  found.set('try password', await readFile(files.tryPassword, 'utf8'))
  const { stdout } = await run(['pulumi', 'config', 'get', '--path', 'skerry:users.try'])
  found.set('try hash', stdout)
  let known = ''
  const { resources = [] } = await exportStack('--show-secrets')
  for (const resource of resources) {
    if (resource.type !== 'tls:index/privateKey:PrivateKey') continue
    known += `${resource.outputs?.publicKeyPem}\n${resource.outputs?.publicKeyOpenssh}\n`
    for (const form of ['privateKeyPem', 'privateKeyPemPkcs8', 'privateKeyOpenssh']) {
      const key = secretText(resource.outputs?.[form])
      // An Ed25519 key has one form where others have two.
      if (key && ![...found.values()].includes(key)) found.set(`${nameOf(resource)} key, ${form}`, key)
    }
  }
  found.set('health password', await onServer('cat /etc/skerry/health/password'))
  found.set('health hash', await onServer('cat /etc/skerry/health/password.phc'))
  // The lines behind it end with the public key, as the certificate shows it.
  found.set('web key', await onServer('sed -n 2p /etc/letsencrypt/live/*/privkey.pem'))
  return needles(found, known)
}

/** The text of an output that `--show-secrets` has decrypted: JSON in JSON. */
function secretText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || !('plaintext' in value)) return undefined
  return JSON.parse(String(value.plaintext)) as string
}

/**
 * What gives each away: of a key any line that is its own. It begins as all of its kind do, and holds the public key.
 * @param known what everybody may know
 */
function needles(secrets: ReadonlyMap<string, string>, known: string): Secrets {
  const lines = [...secrets].map(([name, text]) => {
    const parts = text.trim().split('\n')
    return [name, parts.length === 1 ? parts : parts.filter((line) => line.length >= 20 && !line.includes('-----'))]
  }) as [string, string[]][]
  const times = new Map<string, number>()
  for (const line of new Set(lines.flatMap(([, parts]) => [...new Set(parts)]))) {
    times.set(line, lines.filter(([, parts]) => parts.includes(line)).length)
  }
  const own = (parts: string[]) => parts.filter((line) => times.get(line) === 1 && !known.includes(line))
  return new Map(lines.map(([name, parts]) => [name, own(parts)]))
}

/** The names of the secrets that a text gives away. */
export function givenAway(text: string, secrets: Secrets): string[] {
  return [...secrets].filter(([, parts]) => parts.some((part) => text.includes(part))).map(([name]) => name)
}

/** Everything that the engine has written: state, its history and backups, the stack's settings, its log. */
export async function engineFiles(): Promise<ReadonlyMap<string, string>> {
  const { pulumiLog, cloudLog, project } = sandboxFiles(instance)
  const kept = await Promise.all([join(instance.directory, 'state'), project].map(filesBelow))
  const paths = [...kept.flat(), pulumiLog, cloudLog]
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')] as const)))
}

/** Plain files, wherever links may lead. */
async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}
