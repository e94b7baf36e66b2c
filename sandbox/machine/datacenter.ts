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

interface Server {
  readonly guest: Guest
  readonly ipv4: string
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

  function server(id: number): Server {
    const found = servers.get(id)
    if (!found) throw new Error(`there is no server ${id} in the sandbox`)
    return found
  }

  const datacenter: Datacenter = {
    async createServer(order) {
      if (servers.has(order.id)) throw new Error(`server ${order.id} is in the sandbox already`)
      const guest = await createGuest(instance, order, authorityFile(instance), report)
      servers.set(order.id, { guest, ipv4: order.ipv4 })
      try {
        await datacenter.setFirewall(order.id, order.rules)
        await allowSender(instance, guest.link, order.ipv4)
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
      const { guest, ipv4 } = server(id)
      await guest.remove()
      await nft(renderFirewall(instance, id, guest.link, null))
      await forgetSender(instance, guest.link, ipv4)
      servers.delete(id)
    },
    setFirewall: async (id, rules) => await nft(renderFirewall(instance, id, server(id).guest.link, rules)),
    setRecords: async (records) => await nameServer.setRecords(records),
  }
  return datacenter
}
