import { readFileSync } from 'node:fs'
import { parse, stringify } from 'yaml'

/** Keys of a new server, all in OpenSSH's own forms. */
export interface UserDataInput {
  /** `ssh-ed25519 AAAA…`: who may log in as `deploy`. */
  readonly deployPublicKey: string
  /** `-----BEGIN OPENSSH PRIVATE KEY-----…`: the only secret that user_data carries. */
  readonly hostPrivateKey: string
  readonly hostPublicKey: string
}

/** Hetzner Cloud refuses more: https://docs.hetzner.cloud/reference/cloud#servers-create-a-server */
const largestUserData = 32 * 1024

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

/**
 * Renders what a new server is told once.
 * @returns a `#cloud-config` document of at most 32 KiB
 * @throws Error when a key is not in OpenSSH's form or the document becomes too large
 */
export function renderUserData(input: UserDataInput): string {
  checkKeys(input)
  const values: Record<string, string> = {
    deployPublicKey: input.deployPublicKey.trim(),
    hostPrivateKey: `${input.hostPrivateKey.trim()}\n`,
    hostPublicKey: input.hostPublicKey.trim(),
  }
  const config: unknown = parse(read('cloud-config.yaml'), {
    customTags: [
      { tag: '!file', resolve: (name: string) => read(`files/${name}`) },
      {
        tag: '!value',
        resolve: (name: string, fault: (message: string) => void) =>
          values[name] ?? fault(`there is no value "${name}"`),
      },
    ],
  })
  const text = `#cloud-config\n${stringify(config, { lineWidth: 0 })}`
  const size = Buffer.byteLength(text)
  if (size > largestUserData) {
    throw new Error(
      `user_data is ${size} bytes, a server takes at most ${largestUserData}: move something to the release`,
    )
  }
  return text
}

function checkKeys({ deployPublicKey, hostPrivateKey, hostPublicKey }: UserDataInput): void {
  const publicKey = /^ssh-ed25519 [A-Za-z0-9+/=]+( [^\r\n]*)?\s*$/
  if (!publicKey.test(deployPublicKey)) throw new Error('deployPublicKey is not one "ssh-ed25519 …" line')
  if (!publicKey.test(hostPublicKey)) throw new Error('hostPublicKey is not one "ssh-ed25519 …" line')
  if (
    !/^-----BEGIN OPENSSH PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END OPENSSH PRIVATE KEY-----\s*$/.test(hostPrivateKey)
  ) {
    throw new Error('hostPrivateKey is not an OpenSSH private key')
  }
}
