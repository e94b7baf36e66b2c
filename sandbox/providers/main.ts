import providerServices from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import { servePlugin } from '../engine/plugin.ts'
import { cloudflareProvider } from './cloudflare/provider.ts'
import { commandProvider } from './command/provider.ts'
import { connectEngineLog } from './engine-log.ts'
import { hcloudProvider } from './hcloud/provider.ts'
import { serveProvider } from './server.ts'
import { tlsProvider } from './tls/provider.ts'

/** `node main.ts NAME ENGINE`: one stand-in provider as a plugin of the engine at that address. */
const [name = '', engineAddress = ''] = process.argv.slice(2)
const services = {
  hcloud: (log: ReturnType<typeof connectEngineLog>) => serveProvider(hcloudProvider, log),
  cloudflare: (log: ReturnType<typeof connectEngineLog>) => serveProvider(cloudflareProvider, log),
  tls: (log: ReturnType<typeof connectEngineLog>) => serveProvider(tlsProvider, log),
  command: (log: ReturnType<typeof connectEngineLog>) => serveProvider(commandProvider, log),
}

const start = Object.hasOwn(services, name) ? services[name as keyof typeof services] : undefined
if (!start || engineAddress === '') {
  console.error(`Usage: node main.ts ${Object.keys(services).join('|')} ENGINE_ADDRESS`)
  process.exit(2)
}
const { implementation, stop } = start(connectEngineLog(engineAddress))
servePlugin(providerServices.ResourceProviderService, implementation, stop)
