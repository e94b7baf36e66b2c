import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerOrder } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'
import { ensureBase, type Report, type Suite } from './base.ts'
import { cgroupProcesses, endCgroup, inCgroup, instanceCgroup, makeCgroup } from './cgroup.ts'
import { createDisk } from './disk.ts'
import { removeLink, uplink } from './iproute.ts'
import { gateway, interfaceName } from './network.ts'

const suites = { 'debian-12': 'bookworm', 'debian-13': 'trixie' } as const satisfies Record<ServerOrder['image'], Suite>
/** `kill -s RTMIN+5`: systemd as process 1 reboots, services stopped in order (systemd(1), "Signals"). */
const rebootSignal = 34 + 5

/** One booted Debian system on this host. */
export interface Guest {
  readonly link: string
  start(): Promise<void>
  /** Ends it at once, as if its plug were pulled; fine when it is off. */
  stop(): Promise<void>
  reboot(): Promise<void>
  /** Stops it and removes its disk. */
  remove(): Promise<void>
}

/** @returns a server that is off, its disk made */
export async function createGuest(
  instance: Instance,
  order: ServerOrder,
  authority: string,
  report: Report,
): Promise<Guest> {
  const base = await ensureBase(suites[order.image], report)
  const { mtu } = await uplink()
  const servers = join(instance.directory, 'servers')
  await mkdir(servers, { recursive: true, mode: 0o700 })
  const directory = join(servers, `${order.id}`)
  await createDisk(instance, order, directory, base, authority)

  const group = join(await instanceCgroup(instance), `guest-${order.id}`)
  const keeper = join(group, 'keeper')
  const link = interfaceName(instance, order.id)
  const environment = {
    ...{ PATH: process.env.PATH, DIRECTORY: directory, BASE: base, NAME: order.name },
    ...{ ADDRESS: order.ipv4, EDGE: instance.edge, GATEWAY: gateway, MTU: `${mtu}`, LINK: link },
    CGROUP: `/${instance.name}/guest-${order.id}`,
  }
  /** Its process 1, seen from this host; none while it is off. */
  const processOne = async () => (await cgroupProcesses(join(group, 'machine/payload/init.scope')))[0]

  async function stop(): Promise<void> {
    await endCgroup(group)
    await removeLink(link)
  }

  return {
    link,
    async start() {
      // A server that reboots or has just switched itself off is neither on nor off for a moment.
      const isOff = async () => (await cgroupProcesses(group)).length === 0
      await until(
        async () => (await processOne()) !== undefined || (await isOff()),
        `server ${order.name} is on or off`,
      )
      if (!(await isOff())) return
      await makeCgroup(keeper)
      const console = await open(join(directory, 'console.log'), 'a', 0o600)
      const [command, ...options] = inCgroup(keeper, [
        ...['unshare', '--mount', '--propagation', 'private', join(import.meta.dirname, 'guest.sh')],
      ])
      const child = spawn(command, options, {
        env: environment,
        stdio: ['ignore', console.fd, console.fd],
        detached: true,
      })
      await console.close()
      const ended = once(child, 'exit').then(async () => {
        const tail = (await readFile(join(directory, 'console.log'), 'utf8')).trimEnd().split('\n').slice(-5).join('\n')
        throw new Error(`server ${order.name} does not start; the end of its console:\n${tail}`)
      })
      await Promise.race([ended, until(async () => (await processOne()) !== undefined, `server ${order.name} starts`)])
    },
    stop,
    async reboot() {
      const pid = await processOne()
      if (pid === undefined) throw new Error(`server ${order.name} is off: switch it on instead of rebooting it`)
      process.kill(pid, rebootSignal)
    },
    async remove() {
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited 20 seconds in vain until ${what}`)
    await sleep(20)
  }
}
