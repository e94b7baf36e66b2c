import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type PasswordHash, parsePasswordHash } from './passwords.ts'
import { isUsername, usernameRule } from './usernames.ts'

export interface Credentials {
  /** The broker's certificate and its issuing CA, PEM. */
  readonly certificate: string
  readonly privateKey: string
  /** Who may issue client certificates, PEM. */
  readonly authorities: string
  /** The one client that the WSS listener accepts. */
  readonly proxyCertificate: X509Certificate | undefined
  readonly passwords: ReadonlyMap<string, PasswordHash>
}

/** What the files must fit to; undefined where the settings are wrong themselves. */
export interface CredentialsContext {
  readonly hostname: string | undefined
  readonly administrators: ReadonlySet<string> | undefined
  readonly isProxyNeeded: boolean
}

/** Reads and checks the files of a credentials directory; gives one sentence for each mistake, which never quotes a secret. */
export async function readCredentials(
  directory: string,
  context: CredentialsContext,
): Promise<{ credentials: Credentials } | { mistakes: string[] }> {
  const mistakes: string[] = []
  const read = async (name: string, isRequired = true): Promise<string | undefined> => {
    try {
      return await readFile(join(directory, name), 'utf8')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : error
      if (isRequired) mistakes.push(`${name} cannot be read from CREDENTIALS_DIRECTORY=${directory} (${code}).`)
      return undefined
    }
  }
  const certificate = await read('broker.crt')
  const privateKey = await read('broker.key')
  const authorities = await read('authorities.pem')
  const proxy = await read('proxy.crt', context.isProxyNeeded)
  const passwords = await read('passwords.json')

  const leaf = parse('broker.crt', certificate)
  if (leaf && privateKey !== undefined && !isKeyOf(leaf, privateKey)) {
    mistakes.push('broker.key is not the private key (PEM) of the certificate in broker.crt.')
  }
  if (leaf && context.hostname !== undefined && leaf.checkHost(context.hostname) === undefined) {
    mistakes.push(
      `broker.crt is not for SKERRY_HOSTNAME=${context.hostname} but for ${leaf.subjectAltName ?? 'no name'}.`,
    )
  }
  for (const pem of authorities?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? ['']) {
    const authority = authorities === undefined ? undefined : parse('authorities.pem', pem)
    if (authority && !authority.ca)
      mistakes.push(`authorities.pem holds a certificate that is no CA: ${authority.subject}.`)
  }
  const proxyCertificate = parse('proxy.crt', proxy)
  const hashes = passwords === undefined ? undefined : readPasswords(passwords)

  if (mistakes.length > 0 || !certificate || !privateKey || !authorities || !hashes) return { mistakes }
  return { credentials: { certificate, privateKey, authorities, proxyCertificate, passwords: hashes } }

  function parse(name: string, pem: string | undefined): X509Certificate | undefined {
    if (pem === undefined) return undefined
    try {
      return new X509Certificate(pem)
    } catch {
      mistakes.push(`${name} does not hold a certificate in PEM form.`)
      return undefined
    }
  }

  function readPasswords(text: string): Map<string, PasswordHash> {
    const hashes = new Map<string, PasswordHash>()
    for (const [username, phc] of parsePasswordFile(text)) {
      const hash = parsePasswordHash(phc)
      const at = `passwords.json, user ${JSON.stringify(username)}:`
      if (!isUsername(username)) mistakes.push(`${at} a username is ${usernameRule}.`)
      if (context.administrators?.has(username))
        mistakes.push(`${at} administrators have no password, only a certificate.`)
      if (hash) hashes.set(username, hash)
      else mistakes.push(`${at} not a hash as \`broker hash-password\` prints it ($scrypt$ln=15,r=8,p=1$SALT$HASH).`)
    }
    return hashes
  }

  function parsePasswordFile(text: string): [username: string, hash: string][] {
    try {
      const data: unknown = JSON.parse(text)
      const entries = data instanceof Object && !Array.isArray(data) ? Object.entries(data) : undefined
      if (entries?.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return entries
    } catch {
      // Said below, without the text: it may hold secrets.
    }
    mistakes.push('passwords.json is not a JSON object of usernames and hashes. Example: {"try": "$scrypt$ln=15,..."}.')
    return []
  }
}

function isKeyOf(certificate: X509Certificate, privateKey: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(privateKey))
  } catch {
    return false
  }
}
