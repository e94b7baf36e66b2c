import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adminCertificate, authority, password, startTestBroker, tryCertificate } from '../../broker/test-support.ts'
import type { Way } from './stage.ts'

/** A broker of its own in this process, and the files that its clients need; all of it is gone with `cleanup`. */
export async function startBroker(): Promise<{ way: Way; cleanup(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-clients-'))
  const cleanups = [() => rm(directory, { recursive: true })]
  const put = async (name: string, text: string) => {
    const path = join(directory, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }
  const user = async (name: string, issued: typeof tryCertificate) => ({
    certificate: await put(`${name}.crt`, issued.certificate),
    privateKey: await put(`${name}.key`, issued.privateKey),
  })
  const { ports } = await startTestBroker({ after: (cleanup) => void cleanups.unshift(cleanup) })
  return {
    way: {
      ports: { tls: ports.mqtts, tcp: ports.mqtt, ws: ports.ws },
      authorities: await put('authorities.pem', authority.authorities),
      users: { admin: await user('admin', adminCertificate), try: await user('try', tryCertificate) },
      password,
    },
    async cleanup() {
      for (const cleanup of cleanups) await cleanup()
    },
  }
}
