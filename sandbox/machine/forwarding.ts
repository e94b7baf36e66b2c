import { access, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lock } from 'proper-lockfile'
import type { Instance } from '../instance.ts'
import { nftTables } from './nftables.ts'

/** The settings of one family of addresses by which this host forwards packets. */
interface Family {
  readonly name: string
  /** The host's own values, kept by the first sandbox that comes up for the last one that goes; lost at a reboot like them. */
  readonly remembered: string
  read(): Promise<string>
  forward(): Promise<void>
  restore(text: string): Promise<void>
}

const ipForward = '/proc/sys/net/ipv4/ip_forward'
const interfaces = '/proc/sys/net/ipv6/conf'
const allInterfaces = 'all/forwarding'

const families: readonly Family[] = [
  {
    name: 'net.ipv4.ip_forward',
    remembered: '/run/skerry-ip_forward',
    read: async () => await readFile(ipForward, 'utf8'),
    forward: async () => await writeFile(ipForward, '1'),
    restore: async (text) => await writeFile(ipForward, text),
  },
  {
    name: 'net.ipv6.conf.all.forwarding',
    remembered: '/run/skerry-ip6_forward',
    read: async () => JSON.stringify(await readInterfaces()),
    async forward() {
      const before = await readInterfaces()
      if (before[allInterfaces] === '1') return
      // A host that forwards forgets its router and hears no other unless it is told to listen all the same (2).
      for (const [path, value] of Object.entries(before)) {
        if (path.endsWith('/accept_ra') && value === '1') await writeFile(join(interfaces, path), '2')
      }
      await writeFile(join(interfaces, allInterfaces), '1')
    },
    async restore(text) {
      const { [allInterfaces]: all = '0', ...others }: Record<string, string> = JSON.parse(text)
      if ((await readInterfaces())[allInterfaces] !== all) await writeFile(join(interfaces, allInterfaces), all)
      const now = await readInterfaces()
      for (const [path, value] of Object.entries(others)) {
        if (path in now && now[path] !== value) await writeFile(join(interfaces, path), value)
      }
    },
  },
]

/** Lets the host forward packets. `announce` makes this sandbox visible to `otherSandboxes`, under the same lock. */
export async function startForwarding(announce: () => Promise<void>): Promise<void> {
  await locked(async () => {
    for (const { remembered, read } of families) {
      if (!(await exists(remembered))) await writeFile(remembered, await read())
    }
    await announce()
    for (const { forward } of families) await forward()
  })
}

/** Gives the host its own settings back unless another sandbox needs forwarding. */
export async function stopForwarding(instance: Instance): Promise<void> {
  await locked(async () => {
    if (await otherSandboxes(instance)) return
    for (const { remembered, restore } of families) {
      if (!(await exists(remembered))) continue
      await restore(await readFile(remembered, 'utf8'))
      await rm(remembered)
    }
  })
}

/** @returns the settings by which this host still forwards on account of this sandbox */
export async function forwardingLeft(instance: Instance): Promise<string[]> {
  if (await otherSandboxes(instance)) return []
  const left = await Promise.all(
    families.map(async ({ name, remembered }) => ((await exists(remembered)) ? [name] : [])),
  )
  return left.flat()
}

/** @returns file below `interfaces` → its value, for every interface and for all of them */
async function readInterfaces(): Promise<Record<string, string>> {
  const names = (await readdir(interfaces).catch(() => [])).filter((name) => name !== 'default')
  const paths = names.flatMap((name) =>
    name === 'all' ? [allInterfaces] : [`${name}/forwarding`, `${name}/accept_ra`],
  )
  // An interface may go while we read.
  const read = async (path: string) => [path, await readFile(join(interfaces, path), 'utf8').catch(() => '')] as const
  const values = (await Promise.all(paths.map(read))).filter(([, value]) => value !== '')
  return Object.fromEntries(values.map(([path, value]) => [path, value.trim()]))
}

async function otherSandboxes(instance: Instance): Promise<boolean> {
  return (await nftTables()).some((name) => /^skerry\d+$/.test(name) && name !== instance.name)
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

async function locked(action: () => Promise<void>): Promise<void> {
  const release = await lock('/run/skerry-ip_forward', {
    realpath: false,
    retries: { retries: 200, minTimeout: 50, maxTimeout: 100 },
  })
  try {
    await action()
  } finally {
    await release()
  }
}
