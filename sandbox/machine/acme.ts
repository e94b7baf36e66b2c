import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { execa } from 'execa'
import { edgePorts, type Instance } from '../instance.ts'
import { startService } from './service.ts'

/** @returns path of the certificate authority (PEM) that signs the ACME server's own listener; servers trust it */
export function authorityFile(instance: Instance): string {
  return join(instance.directory, 'acme', 'authority.pem')
}

/** Starts Pebble at `https://ACMENAME:14000/dir`. It asks the sandbox's name server and validates at once. */
export async function startAcme(instance: Instance): Promise<void> {
  const directory = join(instance.directory, 'acme')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await makeListenerCertificate(instance, directory)
  await writeFile(join(directory, 'pebble.json'), JSON.stringify({ pebble: settings(instance, directory) }))
  await startService(instance, {
    name: 'acme',
    command: [
      ...['pebble', '-strict', '-config', join(directory, 'pebble.json')],
      ...['-dnsserver', `${instance.edge}:${edgePorts.dns}`],
    ],
    environment: { PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0', PEBBLE_AUTHZREUSE: '0' },
    ready: async () => {
      const answer = await fetchPem(instance, '/roots/0').catch(() => '')
      return answer !== ''
    },
  })
  // Pebble listens at one address only.
  await startService(instance, {
    name: 'acme6',
    command: [
      ...['systemd-socket-activate', `--listen=[${instance.edge6}]:${edgePorts.acme}`],
      ...['/lib/systemd/systemd-socket-proxyd', `${instance.edge}:${edgePorts.acme}`],
    ],
    ready: async () => await accepts(instance.edge6, edgePorts.acme),
  })
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return await promise.finally(() => socket.destroy())
}

/** @returns PEM of the root that the ACME server issues from; another one after each start */
export async function fetchAcmeRoots(instance: Instance): Promise<string> {
  return await fetchPem(instance, '/roots/0')
}

async function fetchPem(instance: Instance, path: string): Promise<string> {
  const ca = await readFile(authorityFile(instance), 'utf8')
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const request = get({ host: instance.edge, port: edgePorts.acmeManagement, path, ca, timeout: 5000 }, (response) => {
    if (response.statusCode === 200) resolve(text(response))
    else reject(new Error(`the ACME server answered ${response.statusCode} for ${path}`))
  })
  request.on('timeout', () => request.destroy(new Error('the ACME server did not answer within five seconds')))
  request.on('error', reject)
  return await promise
}

function settings(instance: Instance, directory: string): object {
  return {
    listenAddress: `${instance.edge}:${edgePorts.acme}`,
    managementListenAddress: `${instance.edge}:${edgePorts.acmeManagement}`,
    certificate: join(directory, 'listener.pem'),
    privateKey: join(directory, 'listener.key'),
    httpPort: 80,
    tlsPort: 443,
    ocspResponderURL: '',
    externalAccountBindingRequired: false,
    certificateValidityPeriod: 90 * 24 * 60 * 60,
    /** It checks no CAA record; so a name that it refuses for good is there to be refused. */
    domainBlocklist: [`refused.${instance.zone}`],
  }
}

/** The authority's key is thrown away with its one signature: nobody can sign what servers trust later. */
async function makeListenerCertificate(instance: Instance, directory: string): Promise<void> {
  const run = (...options: string[]) => execa('openssl', options, { cwd: directory })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '365']
  await run(
    ...['req', '-x509', ...key, '-subj', `/CN=${instance.name} sandbox`, '-keyout', 'authority.key'],
    ...['-out', 'authority.pem', '-addext', 'basicConstraints=critical,CA:TRUE'],
    ...[
      '-addext',
      'keyUsage=critical,keyCertSign',
      '-addext',
      `nameConstraints=critical,permitted;DNS:${instance.zone}`,
    ],
  )
  await run(
    ...['req', '-x509', ...key, '-subj', `/CN=${instance.acmeName}`, '-keyout', 'listener.key', '-out', 'listener.pem'],
    ...['-CA', 'authority.pem', '-CAkey', 'authority.key', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-addext', `subjectAltName=DNS:${instance.acmeName},IP:${instance.edge},IP:${instance.edge6}`],
    ...['-addext', 'extendedKeyUsage=serverAuth'],
  )
  await rm(join(directory, 'authority.key'))
}
