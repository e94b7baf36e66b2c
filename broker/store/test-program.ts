import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleBroker } from '../bundle.ts'
import { hashPassword } from '../passwords.ts'
import { authority, brokerCertificate, password } from '../test-support.ts'

/** Puts the bundled program and its files into a directory, with its state beside them; gives its environment but for the listeners. */
export async function prepareProgram(directory: string) {
  const files = {
    'broker.mjs': await bundleBroker(),
    'broker.crt': brokerCertificate.certificate,
    'broker.key': brokerCertificate.privateKey,
    'authorities.pem': authority.authorities,
    'passwords.json': JSON.stringify({ try: await hashPassword(Buffer.from(password)) }),
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
  return {
    SKERRY_HOSTNAME: 'localhost',
    SKERRY_ADMINISTRATORS: 'admin',
    CREDENTIALS_DIRECTORY: directory,
    STATE_DIRECTORY: directory,
  }
}
