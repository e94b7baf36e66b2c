import { access, readFile, rm, writeFile } from 'node:fs/promises'
import { lock } from 'proper-lockfile'
import type { Instance } from '../instance.ts'
import { nftTables } from './nftables.ts'

const setting = '/proc/sys/net/ipv4/ip_forward'
/** The host's own value, kept by the first sandbox that comes up for the last one that goes; lost at a reboot like the setting. */
const remembered = '/run/skerry-ip_forward'

/** Lets the host forward packets. `announce` makes this sandbox visible to `otherSandboxes`, under the same lock. */
export async function startForwarding(announce: () => Promise<void>): Promise<void> {
  await locked(async () => {
    if (!(await isRemembered())) await writeFile(remembered, await readFile(setting))
    await announce()
    await writeFile(setting, '1')
  })
}

/** Gives the host its own setting back unless another sandbox needs forwarding. */
export async function stopForwarding(instance: Instance): Promise<void> {
  await locked(async () => {
    if ((await isRemembered()) && !(await otherSandboxes(instance))) {
      await writeFile(setting, await readFile(remembered))
      await rm(remembered)
    }
  })
}

/** @returns whether this host still forwards on account of this sandbox */
export async function forwardingIsLeft(instance: Instance): Promise<boolean> {
  return (await isRemembered()) && !(await otherSandboxes(instance))
}

async function otherSandboxes(instance: Instance): Promise<boolean> {
  return (await nftTables()).some((name) => /^skerry\d+$/.test(name) && name !== instance.name)
}

async function isRemembered(): Promise<boolean> {
  return await access(remembered).then(
    () => true,
    () => false,
  )
}

async function locked(action: () => Promise<void>): Promise<void> {
  const release = await lock(remembered, {
    realpath: false,
    retries: { retries: 200, minTimeout: 50, maxTimeout: 100 },
  })
  try {
    await action()
  } finally {
    await release()
  }
}
