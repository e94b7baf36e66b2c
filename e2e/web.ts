import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestSecure } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls'
import { execa } from 'execa'
import { sandbox } from './sandbox.ts'

/** One request to the server; the answer's body is not read. */
export async function get(url: string, host?: string): Promise<IncomingMessage> {
  const ca = await readFile(sandbox().acmeRootFile, 'utf8')
  const options = { agent: false, timeout: 20_000, ...(host ? { headers: { host } } : {}) }
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:')
      ? requestSecure(url, { ...options, ca, servername: sandbox().hostname })
      : requestPlain(url, options)
    request.once('timeout', () => request.destroy(new Error('no answer within 20 seconds')))
    request.once('error', reject)
    request.once('response', (response) => {
      response.destroy()
      resolve(response)
    })
    request.end()
  })
}

/** Sends bytes to port 80; @returns all that comes back until the server closes */
export async function talkPlain(text: string): Promise<string> {
  const socket = connectTcp({ host: sandbox().address, port: 80 })
  socket.setTimeout(20_000, () => socket.destroy(new Error('the server kept the connection open for 20 seconds')))
  socket.write(text)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

/** The certificate on 443, verified up to the ACME server's root. */
export async function publicCertificate(): Promise<PeerCertificate> {
  const ca = await readFile(sandbox().acmeRootFile, 'utf8')
  const { hostname: host } = sandbox()
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const attempt = connect({ host, servername: host, port: 443, ca, timeout: 20_000 }, () => resolve(attempt))
    attempt.once('error', reject)
    attempt.once('timeout', () => attempt.destroy(new Error('no handshake within 20 seconds')))
  })
  const certificate = socket.getPeerCertificate()
  socket.destroy()
  return certificate
}

/** OpenSSL's own client, which can speak what Node no longer does; @returns exit code and what it printed */
export async function handshake(port: number, options: readonly string[]) {
  const { exitCode, all } = await execa(
    'openssl',
    ['s_client', '-connect', `${sandbox().address}:${port}`, ...options],
    { input: '', all: true, reject: false, timeout: 20_000 },
  )
  return { exitCode, output: all }
}
