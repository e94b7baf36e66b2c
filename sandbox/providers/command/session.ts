import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Connection, channelSettings, connectionSettings, hostAlias, knownHosts } from './connection.ts'
import { type ProcessOptions, type ProcessResult, runProcess } from './process.ts'

const firstDelay = 250
const largestDelay = 5_000
const socketInterval = 20

/** An open SSH connection. */
export interface Session {
  /** @throws Error when the connection is lost before the command has ended */
  run(command: string, environment: Readonly<Record<string, string>>, options: ProcessOptions): Promise<ProcessResult>
  /**
   * Writes a local file to the host, over what is there.
   * @throws Error when that fails
   */
  upload(localPath: string, remotePath: string, signal: AbortSignal): Promise<void>
  /** A private directory, gone with the session. */
  readonly directory: string
}

/** The connection as one OpenSSH client in the background; commands and copies go through it. */
interface Master {
  readonly child: ChildProcess
  /** Why the connection could not be opened; undefined: it is open. */
  readonly failure: string | undefined
}

async function dial(directory: string, signal: AbortSignal): Promise<Master> {
  const log = join(directory, 'ssh.log')
  await writeFile(log, '')
  const parameters = ['-F', join(directory, 'connection'), '-E', log, '-N', '-T', hostAlias]
  const child = spawn('ssh', parameters, { stdio: 'ignore' })
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(`ssh cannot be started: ${error.message}`))
    child.once('exit', (code) => resolve(`ssh ended with ${code}`))
  })
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  try {
    let end: string | undefined
    ended.then((reason) => {
      end = reason
    })
    // The client makes the socket once it is logged in.
    while (end === undefined && !existsSync(join(directory, 'control')))
      await setTimeout(socketInterval, undefined, { signal })
    if (end === undefined) return { child, failure: undefined }
    const reason = (await readFile(log, 'utf8')).trim().split('\n').slice(-3).join(' ')
    return { child, failure: reason || end }
  } catch (error) {
    kill()
    throw error
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

async function connect(connection: Connection, directory: string, signal: AbortSignal): Promise<ChildProcess> {
  let delay = firstDelay
  for (let failures = 0; ; ) {
    const { child, failure } = await dial(directory, signal)
    if (failure === undefined) return child
    failures++
    const { host, port, user, dialErrorLimit } = connection
    if (dialErrorLimit >= 0 && failures > dialErrorLimit) {
      throw new Error(`No SSH connection to ${user}@${host} port ${port} after ${failures} attempts: ${failure}`)
    }
    await setTimeout(delay, undefined, { signal })
    delay = Math.min(delay * 1.5, largestDelay)
  }
}

async function close(master: ChildProcess | undefined): Promise<void> {
  if (!master || master.exitCode !== null || master.signalCode !== null) return
  const exited = once(master, 'exit')
  master.kill('SIGTERM')
  await exited
}

/** A text between double quotes as sftp reads it: without patterns, and with one character that is escaped. */
const sftpQuoted = (path: string) => `"${path.replaceAll('"', '\\"')}"`

/**
 * Opens a connection, retrying until the limit of failed dials, and closes it in every outcome; key and settings are
 * files that only this user can read, removed at the end.
 * @throws Error when no connection could be opened, else what `work` throws
 */
export async function withSession<T>(
  connection: Connection,
  signal: AbortSignal,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-ssh-'))
  let master: ChildProcess | undefined
  const write = (name: string, content: string) => writeFile(join(directory, name), content, { mode: 0o600 })
  try {
    if (connection.privateKey !== undefined) await write('key', `${connection.privateKey.trimEnd()}\n`)
    await write('known_hosts', knownHosts(connection))
    await write('connection', connectionSettings(connection, directory))
    const opened = await connect(connection, directory, signal)
    master = opened
    // It has served; a provider that is killed from now on leaves no key behind.
    await rm(join(directory, 'key'), { force: true })
    const { host } = connection
    /** The client in the background ends a moment after the one that noticed. */
    const isLost = async () => {
      await Promise.race([once(opened, 'exit'), setTimeout(opened.exitCode === null ? 500 : 0)])
      return opened.exitCode !== null || opened.signalCode !== null
    }
    return await work({
      directory,
      async run(command, environment, options) {
        await write('command', channelSettings(directory, command, Object.keys(environment)))
        const result = await runProcess('ssh', ['-F', join(directory, 'command'), '-T', hostAlias], {
          ...options,
          environment: { ...process.env, ...environment },
        })
        if (result.code === 255 && (await isLost()))
          throw new Error(`The connection to ${host} was lost while the command ran`)
        return result
      },
      async upload(localPath, remotePath, signal) {
        await write('channel', channelSettings(directory))
        await write('batch', `put ${sftpQuoted(localPath)} ${sftpQuoted(remotePath)}\n`)
        const parameters = ['-q', '-F', join(directory, 'channel'), '-b', join(directory, 'batch'), hostAlias]
        const result = await runProcess('sftp', parameters, { signal })
        if (result.code === 0) return
        if (await isLost()) throw new Error(`The connection to ${host} was lost while ${remotePath} was copied`)
        throw new Error(`${remotePath} could not be written on ${host}: ${result.stderr.trim()}`)
      },
    })
  } catch (error) {
    // What was aborted says only that; the signal says why.
    signal.throwIfAborted()
    throw error
  } finally {
    await close(master)
    await rm(directory, { recursive: true, force: true })
  }
}
