import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ServerType, serve } from '@hono/node-server'
import type { Hono } from 'hono'
import { sandboxFiles } from '../files.ts'
import { edgePorts, sandboxInstance } from '../instance.ts'
import { instanceCgroup, makeCgroup } from '../machine/cgroup.ts'
import { createDatacenter } from '../machine/datacenter.ts'
import { sandboxTokens } from '../tokens.ts'
import { createCloudflareApi } from './cloudflare/api.ts'
import { createHetznerApi } from './hetzner/api.ts'
import { createMetadataApi } from './metadata.ts'
import { CloudStore } from './store.ts'

/** The emulated cloud as a process: started by `npm run sandbox`, ended with the sandbox's control group. */
const instance = sandboxInstance()
const group = join(await instanceCgroup(instance), 'cloud')
await makeCgroup(group)
await writeFile(join(group, 'cgroup.procs'), String(process.pid))

const tokens = await sandboxTokens(instance)
const store = CloudStore.open(sandboxFiles(instance).cloudState)
const datacenter = await createDatacenter(instance, console.log)
await datacenter.setRecords(store.dnsRecords())

const { network, network6, zone } = instance
const common = { store, datacenter, faultToken: tokens.faults }
const hetzner = { token: tokens.hetzner, readOnlyToken: tokens.hetznerReadOnly, network, network6 }
await listen(createHetznerApi({ ...common, ...hetzner }), edgePorts.hetzner)
const cloudflare = { token: tokens.cloudflare, readOnlyToken: tokens.cloudflareReadOnly, zone }
await listen(createCloudflareApi({ ...common, ...cloudflare }), edgePorts.cloudflare)
await listen(createMetadataApi({ store }), edgePorts.metadata)
process.send?.('ready')

async function listen(app: Hono, port: number): Promise<ServerType> {
  const server = serve({ fetch: app.fetch, hostname: instance.edge, port })
  await once(server, 'listening')
  return server
}
