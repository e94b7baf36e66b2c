import { chmod, mkdir } from 'node:fs/promises'
import type { Datacenter } from '../cloud/datacenter.ts'
import type { Instance } from '../instance.ts'
import { authorityFile, startAcme } from './acme.ts'
import type { Report } from './base.ts'
import { startNameServer } from './dns.ts'
import { renderFirewall } from './firewall.ts'
import { createGuest, type Guest } from './guest.ts'
import { allowSender, edgeUp, forgetSender } from './network.ts'
import { nft } from './nftables.ts'
import { growVolume, makeVolume, removeVolume, volumeFile } from './volumes.ts'

interface Server {
  readonly guest: Guest
  readonly addresses: readonly string[]
}

/**
 * Brings up the sandbox's network, name server and certificate authority on this host, and runs servers in it. The caller
 * is in the sandbox's control group, so that all of it ends with a sweep.
 * @param report gets one line per step that takes time
 * @throws Error when a service does not start
 */
export async function createDatacenter(instance: Instance, report: Report): Promise<Datacenter> {
  await mkdir(instance.directory, { recursive: true })
  await chmod(instance.directory, 0o755)
  await edgeUp(instance)
  const nameServer = await startNameServer(instance)
  await startAcme(instance)
  const servers = new Map<number, Server>()
  /** Volume → the server that has it. */
  const attached = new Map<number, number>()

  function server(id: number): Server {
    const found = servers.get(id)
    if (!found) throw new Error(`there is no server ${id} in the sandbox`)
    return found
  }

  const datacenter: Datacenter = {
    async createServer(order) {
      if (servers.has(order.id)) throw new Error(`server ${order.id} is in the sandbox already`)
      const guest = await createGuest(instance, order, authorityFile(instance), report)
      const addresses = [order.ipv4, ...(order.ipv6 === null ? [] : [order.ipv6])]
      servers.set(order.id, { guest, addresses })
      try {
        await datacenter.setFirewall(order.id, order.rules)
        for (const address of addresses) await allowSender(instance, guest.link, address)
        await guest.start()
      } catch (error) {
        await datacenter.deleteServer(order.id)
        throw error
      }
    },
    powerOn: async (id) => await server(id).guest.start(),
    powerOff: async (id) => await server(id).guest.stop(),
    reboot: async (id) => await server(id).guest.reboot(),
    async deleteServer(id) {
      const { guest, addresses } = server(id)
      await guest.remove()
      for (const [volume, owner] of attached) if (owner === id) attached.delete(volume)
      await nft(renderFirewall(instance, id, guest.link, null))
      for (const address of addresses) await forgetSender(instance, guest.link, address)
      servers.delete(id)
    },
    createVolume: async (order) => await makeVolume(instance, order),
    async resizeVolume(id, size) {
      await growVolume(instance, id, size)
      const owner = attached.get(id)
      if (owner !== undefined) await server(owner).guest.grow(id)
    },
    async deleteVolume(id) {
      if (attached.has(id)) throw new Error(`volume ${id} is attached to server ${attached.get(id)}: detach it first`)
      await removeVolume(instance, id)
    },
    async attachVolume(id, to, automount) {
      if (attached.has(id)) throw new Error(`volume ${id} is attached to server ${attached.get(id)}: detach it first`)
      await server(to).guest.attach(id, volumeFile(instance, id), automount)
      attached.set(id, to)
    },
    async detachVolume(id) {
      const owner = attached.get(id)
      if (owner === undefined) return
      await server(owner).guest.detach(id)
      attached.delete(id)
    },
    setFirewall: async (id, rules) => await nft(renderFirewall(instance, id, server(id).guest.link, rules)),
    setRecords: async (records) => await nameServer.setRecords(records),
  }
  return datacenter
}
