import { access, readdir, readFile, rm } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { execa } from 'execa'
import { z } from 'zod'
import type { Instance } from '../instance.ts'
import { cgroupProcesses, endCgroup, instanceCgroup } from './cgroup.ts'
import { forwardingLeft, stopForwarding } from './forwarding.ts'
import { ip, removeLink } from './iproute.ts'
import { loopDevicesBelow, releaseLoopDevice } from './loop-devices.ts'
import { lastMetric } from './network.ts'
import { nftTables } from './nftables.ts'

/** One kind of thing that a sandbox leaves on its host: found and removed by the sandbox's names alone. */
export interface Remains {
  readonly kind: string
  find(instance: Instance): Promise<string[]>
  remove(instance: Instance, found: string): Promise<void>
}

const namespaces = '/run/netns'
const links = z.array(z.object({ ifname: z.string().optional() }))
const addresses = z.array(z.object({ addr_info: z.array(z.object({ local: z.string().optional() })).optional() }))
const routes = z.array(z.object({ dst: z.string() }))

/** In the order of removal: what still runs first, what it stood on last. */
export const remains: readonly Remains[] = [
  {
    kind: 'process',
    find: async (instance) => (await cgroupProcesses(await instanceCgroup(instance))).map(String),
    remove: async (instance) => await endCgroup(await instanceCgroup(instance)),
  },
  {
    kind: 'control group',
    find: async (instance) => await ifExists(await instanceCgroup(instance)),
    remove: async (instance) => await endCgroup(await instanceCgroup(instance)),
  },
  {
    kind: 'mount',
    find: async (instance) => mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), instance),
    remove: async (_instance, path) => void (await execa('umount', ['--lazy', path])),
  },
  {
    kind: 'loop device',
    find: async (instance) => await loopDevicesBelow(instance.directory),
    remove: async (_instance, device) => await releaseLoopDevice(device),
  },
  {
    kind: 'network namespace',
    find: async (instance) =>
      (await readdir(namespaces).catch(() => [])).filter((name) => name.startsWith(`${instance.name}-`)),
    remove: async (_instance, name) => void (await ip('netns', 'delete', name)),
  },
  {
    kind: 'link',
    find: async (instance) =>
      links
        .parse(JSON.parse(await ip('-json', 'link', 'show')))
        .flatMap(({ ifname }) => (ifname?.startsWith(instance.interfacePrefix) ? [ifname] : [])),
    remove: async (_instance, name) => await removeLink(name),
  },
  {
    kind: 'nft table',
    find: async (instance) => (await nftTables()).filter((name) => name === instance.name),
    remove: async (_instance, table) => void (await execa('nft', ['delete', 'table', 'inet', table])),
  },
  {
    kind: 'address',
    find: async (instance) =>
      addresses
        .parse(JSON.parse(await ip('-json', 'address', 'show', 'dev', 'lo')))
        .flatMap(({ addr_info }) => addr_info ?? [])
        .flatMap(({ local }) => (local === instance.edge || local === instance.edge6 ? [local] : [])),
    remove: async (_instance, address) =>
      void (await ip('address', 'delete', `${address}/${isIPv6(address) ? 128 : 32}`, 'dev', 'lo')),
  },
  {
    kind: 'route',
    find: async (instance) => {
      const show = async (family: string) =>
        routes.parse(JSON.parse(await ip('-json', family, 'route', 'show', 'type', 'unreachable')))
      const found = [...(await show('-4')), ...(await show('-6'))]
      return found.flatMap(({ dst }) => (dst === instance.network || dst === instance.network6 ? [dst] : []))
    },
    remove: async (_instance, route) =>
      void (await ip(
        ...[route.includes(':') ? '-6' : '-4', 'route', 'delete', 'unreachable', route, 'metric', lastMetric],
      )),
  },
  {
    kind: 'setting',
    find: async (instance) => await forwardingLeft(instance),
    remove: async (instance) => await stopForwarding(instance),
  },
  {
    kind: 'directory',
    find: async (instance) => await ifExists(instance.directory),
    remove: async (_instance, path) => await rm(path, { recursive: true, force: true }),
  },
]

/**
 * @param mountinfo proc_pid_mountinfo(5)
 * @returns mount points in the sandbox's directory, the latest first: they may stand on one another
 */
export function mountsBelow(mountinfo: string, instance: Instance): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path === instance.directory || path.startsWith(`${instance.directory}/`))
    .reverse()
}

async function ifExists(path: string): Promise<string[]> {
  return await access(path).then(
    () => [path],
    () => [],
  )
}
