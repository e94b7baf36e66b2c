import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Instance } from '../instance.ts'
import { endCgroup, inCgroup, instanceCgroup, makeCgroup } from './cgroup.ts'

/** A program of the sandbox that runs on this host. */
export interface Service {
  readonly pid: number
  stop(): Promise<void>
}

/** What to start, and how to know that it answers. */
interface ServiceOrder {
  readonly name: string
  readonly command: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
  readonly ready: () => Promise<boolean>
}

/**
 * Starts a program in the sandbox's control group, its output in DIRECTORY/NAME.log.
 * @throws Error with the end of its log when it ends before it is ready, or is not ready within ten seconds
 */
export async function startService(instance: Instance, order: ServiceOrder): Promise<Service> {
  const group = join(await instanceCgroup(instance), order.name)
  await makeCgroup(group)
  const log = join(instance.directory, `${order.name}.log`)
  const output = await open(log, 'a', 0o600)
  const [command, ...options] = inCgroup(group, order.command)
  const child = spawn(command, options, {
    stdio: ['ignore', output.fd, output.fd],
    env: { PATH: process.env.PATH, ...order.environment },
    detached: true,
  })
  await output.close()
  const ended = once(child, 'exit').then(() => false)
  const stop = () => endCgroup(group)
  if (!(await Promise.race([ended, isReady(order.ready)]))) {
    await stop()
    const tail = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-3).join('\n')
    throw new Error(`${order.name} does not start; the end of ${log}:\n${tail}`)
  }
  return { pid: child.pid ?? 0, stop }
}

async function isReady(ready: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline) {
    if (await ready()) return true
    await sleep(20)
  }
  return false
}
