import { mkdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { type Instance, sandboxInstance } from '../instance.ts'
import { missing } from './prerequisites.ts'
import { leftovers } from './sweep.ts'

/** @returns why servers cannot be booted here; none where they can */
export async function noTrialBecause(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it boots servers: needs Linux and root'
  const packages = await missing()
  return packages.length > 0 ? `this host lacks ${packages.join(', ')}` : undefined
}

/** A sandbox that nobody uses; its directory, made here, is what claims it. */
export async function claimInstance(): Promise<Instance> {
  for (let number = 80; number <= 99; number += 1) {
    const instance = sandboxInstance(number)
    if ((await leftovers(instance)).length > 0) continue
    const claimed = await mkdir(instance.directory).then(
      () => true,
      () => false,
    )
    if (claimed) return instance
  }
  throw new Error('sandboxes 80 to 99 are all in use: put one down')
}

export type Answer = 'open' | 'refused' | 'silent'

/** Knocks at a TCP port from this host. */
export async function knock(host: string, port: number): Promise<Answer> {
  const socket = connect({ host, port })
  const { promise, resolve } = Promise.withResolvers<Answer>()
  socket.setTimeout(1_500, () => resolve('silent'))
  socket.once('connect', () => resolve('open'))
  socket.once('error', () => resolve('refused'))
  return await promise.finally(() => socket.destroy())
}

/** Knocks from a network namespace. */
export async function knockFrom(namespace: string, host: string, port: number): Promise<Answer> {
  const opening = ['timeout', '1.5', 'bash', '-c', `exec 3<>/dev/tcp/${host}/${port}`]
  const { exitCode } = await execa('ip', ['netns', 'exec', namespace, ...opening], { reject: false })
  return exitCode === 0 ? 'open' : exitCode === 124 ? 'silent' : 'refused'
}

/** A connection that stays: `ask` sends a request over it and gives the status line of the answer. */
export async function standingConnection(
  host: string,
  port: number,
): Promise<{ socket: Socket; ask(): Promise<string> }> {
  const socket = connect({ host, port })
  socket.setEncoding('utf8')
  const ask = async () => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    socket.once('data', (data) => resolve(String(data).split('\r\n')[0] ?? ''))
    socket.setTimeout(3_000, () => reject(new Error('the standing connection is silent')))
    socket.write('HEAD / HTTP/1.1\r\nHost: trial\r\n\r\n')
    return await promise
  }
  return { socket, ask }
}

/** A key made for one trial, and commands run as root with it. */
export async function sshKey(directory: string): Promise<{ publicKey: string; run: Shell }> {
  const file = join(directory, 'trial-key')
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  const { stdout: publicKey } = await execa('ssh-keygen', ['-y', '-f', file])
  const known = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR']
  const run: Shell = async (host, command) => {
    const options = ['-F', 'none', '-i', file, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=2', ...known]
    return (await execa('ssh', [...options, `root@${host}`, command])).stdout
  }
  return { publicKey, run }
}

type Shell = (host: string, command: string) => Promise<string>

/** @throws what `attempt` threw last when it does not succeed within the time (milliseconds) */
export async function eventually<T>(attempt: () => Promise<T>, time = 60_000): Promise<T> {
  const deadline = Date.now() + time
  while (true) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}
