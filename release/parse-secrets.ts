import { z } from 'zod'
import type { ReleaseSecrets } from './secrets.ts'

const pem = z
  .string()
  .regex(/^(-----BEGIN [A-Z0-9 ]+-----\r?\n[A-Za-z0-9+/=\r\n]+-----END [A-Z0-9 ]+-----\s*)+$/, 'is not PEM')
const identity = z.strictObject({ certificate: pem, privateKey: pem })
const schema = z.strictObject({
  authorities: pem,
  broker: identity,
  proxy: identity,
  health: identity,
  passwords: z.record(
    z.string().min(1),
    z.string().regex(/^\$scrypt\$[A-Za-z0-9+/=,$.-]+$/, 'is not a scrypt hash in PHC form'),
  ),
  volume: z.string().regex(/^[1-9][0-9]{0,18}$/, 'is not the number of a volume'),
})

/**
 * @param json a ReleaseSecrets document
 * @throws Error that names what is wrong with which part, never its value
 */
export function parseSecrets(json: string): ReleaseSecrets {
  const result = schema.safeParse(parseJson(json))
  if (result.success) return result.data
  const mistakes = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the document'} ${message}`)
  throw new Error(`the release's secrets do not fit: ${mistakes.join('; ')}`)
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // The engine's own message quotes the text.
    throw new Error("the release's secrets are not JSON")
  }
}
