import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { findExecutable } from '../../engine/executables.ts'

const run = promisify(execFile)

/** sshd's own, which it wants when root starts it. */
const separationDirectory = '/run/sshd'

/** A real sshd on a port of its own, for the user who runs the tests. */
export interface TestSshd {
  readonly port: number
  readonly user: string
  /** Public, as in authorized_keys. */
  readonly hostKey: string
  readonly privateKey: string
  readonly directory: string
  /** Hangs up on the next so many connections. */
  refuse(times: number): void
  /** How many connections have come. */
  dials(): number
  /** Cuts every open connection. */
  cut(): void
  close(): Promise<void>
}

export const findSshd = () =>
  findExecutable('sshd', [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'])

export async function startSshd(sshd: string): Promise<TestSshd> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-sshd-'))
  const makesDirectory = process.getuid?.() === 0 && !existsSync(separationDirectory)
  if (makesDirectory) await mkdir(separationDirectory, { mode: 0o755 })
  const file = (name: string) => join(directory, name)
  for (const name of ['host', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file(name)])
  }
  await writeFile(file('authorized_keys'), await readFile(file('user.pub')), { mode: 0o600 })
  const settings = [
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('authorized_keys')}`,
    'AuthenticationMethods publickey',
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'AcceptEnv GREETING PULUMI_COMMAND_STDOUT',
    'Subsystem sftp internal-sftp',
  ]
  await writeFile(file('sshd_config'), `${settings.join('\n')}\n`)
  const sockets = new Set<Socket>()
  const servers = new Set<ChildProcess>()
  let refusals = 0
  let dials = 0
  const listener = createServer({ pauseOnConnect: true }, (socket) => {
    dials++
    if (refusals > 0) {
      refusals--
      socket.destroy()
      return
    }
    // One sshd for a connection, as inetd starts it: the port can be any free one.
    const server = spawn(sshd, ['-i', '-e', '-f', file('sshd_config')], { stdio: ['pipe', 'pipe', 'ignore'] })
    servers.add(server)
    sockets.add(socket)
    socket.pipe(server.stdin)
    server.stdout.pipe(socket)
    socket.on('error', () => {})
    server.stdin.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      server.stdin.end()
    })
    server.on('exit', () => {
      servers.delete(server)
      socket.end()
    })
    socket.resume()
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    port: (listener.address() as AddressInfo).port,
    user: userInfo().username,
    hostKey: (await readFile(file('host.pub'), 'utf8')).trim(),
    privateKey: await readFile(file('user'), 'utf8'),
    directory,
    refuse(times) {
      refusals = times
      dials = 0
    },
    dials: () => dials,
    cut,
    async close() {
      cut()
      for (const server of servers) server.kill('SIGKILL')
      await new Promise((resolve) => listener.close(resolve))
      if (makesDirectory) await rm(separationDirectory, { recursive: true, force: true })
      await rm(directory, { recursive: true, force: true })
    },
  }
}
