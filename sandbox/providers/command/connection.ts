import { isKnown } from '../lifecycle.ts'
import type { Failure } from '../provider.ts'
import { isObject, number, type Properties, requiredText, text, type Value } from '../values.ts'

/** How to reach a host, checked. */
export interface Connection {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly privateKey: string | undefined
  readonly agentSocket: string | undefined
  /** A line as in authorized_keys, without options; undefined: whoever answers is believed. */
  readonly hostKey: string | undefined
  /** Failed attempts after which no other is made; -1: never. */
  readonly dialErrorLimit: number
  /** Seconds; 0: as long as the system waits. */
  readonly perDialTimeout: number
}

const understood = [
  'host',
  'port',
  'user',
  'privateKey',
  'agentSocketPath',
  'hostKey',
  'dialErrorLimit',
  'perDialTimeout',
]
const keyLine = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]+={0,2})(?: .*)?$/

/** What is wrong with a `connection`, property by property. */
export function checkConnection(inputs: Properties): Failure[] {
  const connection = inputs.connection
  if (!isObject(connection))
    return isKnown(inputs, 'connection') ? [{ property: 'connection', reason: 'must be given' }] : []
  const failures: Failure[] = []
  const fail = (name: string, reason: string) => failures.push({ property: `connection.${name}`, reason })
  for (const name of Object.keys(connection)) {
    if (!understood.includes(name) && connection[name] !== null) {
      fail(name, 'the stand-in does not know this property: install the genuine provider')
    }
  }
  // These stand in a file of settings, where a blank or a line end would begin another one.
  for (const name of ['host', 'user', 'agentSocketPath']) {
    if (isKnown(connection, name) && !/^[^\s"'#%=\\-][^\s"'#%=\\]*$/.test(String(connection[name]))) {
      fail(name, 'must be one word without quotes, blanks, % and #')
    }
  }
  if (isKnown(connection, 'hostKey') && !keyLine.test(String(connection.hostKey).trim())) {
    fail('hostKey', 'must be a public key as in authorized_keys: ssh-ed25519 AAAA…')
  }
  return failures
}

/** @throws Error when something is missing or wrong */
export function parseConnection(value: Value | undefined): Connection {
  const [failure] = checkConnection({ connection: value ?? null })
  if (failure) throw new Error(`${failure.property}: ${failure.reason}`)
  const connection = isObject(value) ? value : {}
  return {
    host: requiredText(connection, 'host'),
    port: number(connection, 'port') ?? 22,
    user: text(connection, 'user') ?? 'root',
    privateKey: text(connection, 'privateKey'),
    agentSocket: text(connection, 'agentSocketPath') ?? process.env.SSH_AUTH_SOCK,
    hostKey: text(connection, 'hostKey')?.trim(),
    dialErrorLimit: number(connection, 'dialErrorLimit') ?? 10,
    perDialTimeout: number(connection, 'perDialTimeout') ?? 15,
  }
}

/** What the settings call the host; its address stands in them alone. */
export const hostAlias = 'skerry-target'

/** The text of `known_hosts` for the one host: empty when no key is given. */
export function knownHosts({ hostKey }: Connection): string {
  const [, type, key] = keyLine.exec(hostKey ?? '') ?? []
  return type === undefined ? '' : `${hostAlias} ${type} ${key}\n`
}

const hostKeyAlgorithms = (hostKey: string) =>
  hostKey.startsWith('ssh-rsa') ? 'rsa-sha2-512,rsa-sha2-256' : hostKey.split(' ')[0]

/**
 * Settings for the OpenSSH client that opens the connection: in a file, so that nothing of it shows in a process list.
 * @param directory private, holds `key`, `known_hosts` and the socket `control`
 */
export function connectionSettings(connection: Connection, directory: string): string {
  const { hostKey } = connection
  return [
    `Host ${hostAlias}`,
    `  HostName ${connection.host}`,
    `  Port ${connection.port}`,
    `  User ${connection.user}`,
    `  HostKeyAlias ${hostAlias}`,
    `  UserKnownHostsFile "${directory}/known_hosts"`,
    '  GlobalKnownHostsFile /dev/null',
    `  StrictHostKeyChecking ${hostKey === undefined ? 'no' : 'yes'}`,
    ...(hostKey === undefined ? [] : [`  HostKeyAlgorithms ${hostKeyAlgorithms(hostKey)}`]),
    '  UpdateHostKeys no',
    '  CheckHostIP no',
    ...(connection.privateKey === undefined ? [] : [`  IdentityFile "${directory}/key"`, '  IdentitiesOnly yes']),
    ...(connection.privateKey === undefined && connection.agentSocket !== undefined
      ? [`  IdentityAgent ${connection.agentSocket}`]
      : ['  IdentityAgent none']),
    '  BatchMode yes',
    '  PreferredAuthentications publickey',
    ...(connection.perDialTimeout > 0 ? [`  ConnectTimeout ${connection.perDialTimeout}`] : []),
    // A dead network must not hold the update forever.
    '  ServerAliveInterval 15',
    '  ServerAliveCountMax 4',
    // It hands on what the clients that use it hand to it; by itself it sends nothing.
    '  SendEnv *',
    '  ControlMaster yes',
    `  ControlPath "${directory}/control"`,
    '  ControlPersist no',
    '',
  ].join('\n')
}

/** A command as one line of settings: `%` has a meaning there, and a line end would end it. */
function oneLine(command: string): string {
  if (!/[\n\r]/.test(command)) return command.replaceAll('%', '%%')
  const quoted = command
    .replaceAll('\\', '\\\\')
    .replaceAll('%', '%%')
    .replaceAll("'", "'\\''")
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
  return `eval "$(printf '${quoted}')"`.replaceAll('%', '%%')
}

/**
 * Settings for a client that uses the open connection, and never opens one of its own.
 * @param command to run; absent for sftp
 * @param variables names of environment variables to hand on
 */
export function channelSettings(directory: string, command?: string, variables: readonly string[] = []): string {
  return [
    `Host ${hostAlias}`,
    `  ControlPath "${directory}/control"`,
    '  ControlMaster no',
    '  ProxyCommand exec false',
    '  BatchMode yes',
    '  RequestTTY no',
    '  LogLevel ERROR',
    ...(variables.length > 0 ? [`  SendEnv ${variables.join(' ')}`] : []),
    ...(command === undefined ? [] : [`  RemoteCommand ${oneLine(command)}`]),
    '',
  ].join('\n')
}
