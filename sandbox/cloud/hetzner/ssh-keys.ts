import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'
import type { SshKey } from '../state.ts'
import { type Project, timestamp } from './context.ts'
import { notUnique } from './errors.ts'
import { body, byPath, changes, labels, requireFreeName, resourceName } from './input.ts'
import { listing } from './listing.ts'

const keyTypes = ['ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521']

const creation = z.object({
  name: resourceName,
  public_key: z
    .string()
    .max(16_384)
    .refine((key) => keyBlob(key) !== undefined, 'must be an SSH public key'),
  labels: labels.default({}),
})

const fields = {
  id: ({ id }: SshKey) => id,
  name: ({ name }: SshKey) => name,
  fingerprint: (key: SshKey) => key.fingerprint,
}

/** `/ssh_keys`: public keys that servers are ordered with. */
export function sshKeyRoutes({ store, shortages }: Project): Hono {
  const { state } = store
  return new Hono()
    .get('/', (c) => listing(c, 'ssh_keys', state.sshKeys, fields, (key) => key))
    .get('/:id', (c) => c.json({ ssh_key: byPath(c, 'SSH key', state.sshKeys) }))
    .post('/', async (c) => {
      const input = await body(c, creation)
      const fingerprint = fingerprintOf(input.public_key)
      shortages.requireRoom('ssh_key', state.sshKeys)
      requireFreeName('SSH key', input.name, state.sshKeys)
      if (state.sshKeys.some((key) => key.fingerprint === fingerprint)) throw notUnique('SSH key', 'public_key')
      const ssh_key = { ...input, id: store.nextId(), fingerprint, created: timestamp() }
      store.change(() => state.sshKeys.push(ssh_key))
      return c.json({ ssh_key }, 201)
    })
    .put('/:id', async (c) => {
      const input = await body(c, changes(resourceName))
      const ssh_key = byPath(c, 'SSH key', state.sshKeys)
      if (input.name) requireFreeName('SSH key', input.name, state.sshKeys, ssh_key.id)
      store.change(() => Object.assign(ssh_key, input))
      return c.json({ ssh_key })
    })
    .delete('/:id', (c) => {
      const key = byPath(c, 'SSH key', state.sshKeys)
      store.change(() => state.sshKeys.splice(state.sshKeys.indexOf(key), 1))
      return c.body(null, 204)
    })
}

/** The key's binary form, or undefined where the line is not an OpenSSH public key of a type that the API takes. */
function keyBlob(line: string): Buffer | undefined {
  const [, type = '', base64 = ''] = line.match(/^(\S+) ([A-Za-z0-9+/]+={0,2})(?: [^\r\n]*)?\n?$/) ?? []
  const blob = Buffer.from(base64, 'base64')
  if (!keyTypes.includes(type) || blob.length < 4 + type.length) return undefined
  // RFC 4253 section 6.6: the blob begins with the type, as a length and a string
  const named = blob.readUInt32BE(0) === type.length && blob.toString('latin1', 4, 4 + type.length) === type
  return named ? blob : undefined
}

/** MD5 in pairs, as the API shows it. */
function fingerprintOf(line: string): string {
  const digest = createHash('md5')
    .update(keyBlob(line) ?? '')
    .digest('hex')
  return digest.replace(/(..)(?!$)/g, '$1:')
}
