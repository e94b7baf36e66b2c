import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerOrder } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'
import { ensureBase, type Report, suites } from './base.ts'
import { cgroupProcesses, endCgroup, inCgroup, instanceCgroup, makeCgroup } from './cgroup.ts'
import { createDisk } from './disk.ts'
import { removeLink, uplink } from './iproute.ts'
import { growLoopDevice, isMounted, makeLoopDevice, releaseLoopDevice } from './loop-devices.ts'
import { gateway, gateway6, interfaceName } from './network.ts'
import { automount, cutOff, plugIn, pullOut } from './plug.ts'

/** `kill -s RTMIN+5`: systemd as process 1 reboots, services stopped in order (systemd(1), "Signals"). */
const rebootSignal = 34 + 5

/** One booted Debian system on this host. */
export interface Guest {
  readonly link: string
  start(): Promise<void>
  /** Ends it at once, as if its plug were pulled; fine when it is off. */
  stop(): Promise<void>
  reboot(): Promise<void>
  /** Gives it a disk that is kept in a file, on or off. @param mounted mounts it too; it must be on for that */
  attach(volume: number, file: string, mounted: boolean): Promise<void>
  /** Lets it see that the file of a volume that it has is larger now. */
  grow(volume: number): Promise<void>
  /** Takes it away again, as if its plug were pulled; fine when it has none of that number. */
  detach(volume: number): Promise<void>
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
  const slots = join(directory, 'volumes')
  await mkdir(slots, { recursive: true })
  await createDisk(instance, order, directory, base, authority)

  const group = join(await instanceCgroup(instance), `guest-${order.id}`)
  const keeper = join(group, 'keeper')
  const link = interfaceName(instance, order.id)
  const environment = {
    ...{ PATH: process.env.PATH, DIRECTORY: directory, BASE: base, NAME: order.name },
    ...{ ADDRESS: order.ipv4, EDGE: instance.edge, GATEWAY: gateway, MTU: `${mtu}`, LINK: link },
    ...{ NETWORK6: order.ipv6 === null ? '' : `${order.ipv6}/64`, EDGE6: instance.edge6, GATEWAY6: gateway6 },
    CGROUP: `/${instance.name}/guest-${order.id}`,
  }
  /** Its process 1, seen from this host; none while it is off. */
  const processOne = async () => (await cgroupProcesses(join(group, 'machine/payload/init.scope')))[0]

  const isOff = async () => (await cgroupProcesses(group)).length === 0
  /** A server that reboots or has just switched itself off is neither on nor off for a moment. */
  const settled = () =>
    until(async () => (await processOne()) !== undefined || (await isOff()), `server ${order.name} is on or off`)
  /** Volume → device of this host. */
  const devices = new Map<number, string>()

  async function stop(): Promise<void> {
    const pid = await processOne()
    // A kernel that ends a server writes out what the server had not: pull the disks first.
    if (pid !== undefined) for (const device of devices.values()) await cutOff(pid, device)
    await endCgroup(group)
    await removeLink(link)
  }

  async function detach(volume: number): Promise<void> {
    const device = devices.get(volume)
    if (device === undefined) return
    await rm(join(slots, `${volume}`), { force: true })
    await settled()
    const pid = await processOne()
    if (pid !== undefined) await pullOut(pid, volume, device)
    await releaseLoopDevice(device)
    devices.delete(volume)
  }

  return {
    link,
    async start() {
      await settled()
      if (!(await isOff())) return
      // Else it would get the file systems that were cut off, not the disks.
      for (const device of devices.values()) {
        await until(async () => !(await isMounted(device)), `nothing uses ${device} any more`)
      }
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
    async attach(volume, file, mounted) {
      const device = await makeLoopDevice(file)
      devices.set(volume, device)
      try {
        await writeFile(join(slots, `${volume}`), device)
        await settled()
        const pid = await processOne()
        if (pid !== undefined) await plugIn(pid, volume, device)
        else if (mounted)
          throw new Error(`server ${order.name} is off: a volume is mounted by itself only while it is on`)
        if (pid !== undefined && mounted) await automount(pid, volume)
      } catch (error) {
        await detach(volume)
        throw error
      }
    },
    async grow(volume) {
      const device = devices.get(volume)
      if (device !== undefined) await growLoopDevice(device)
    },
    detach,
    async remove() {
      await stop()
      for (const volume of [...devices.keys()]) await detach(volume)
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
