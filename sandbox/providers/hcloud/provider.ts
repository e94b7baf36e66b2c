import type { Failure, Provider } from '../provider.ts'
import { isUnknown, type Properties, text } from '../values.ts'
import { type HcloudClient, hcloudClient } from './client.ts'
import { firewall } from './firewall.ts'
import { hcloudFunctions } from './functions.ts'
import { primaryIp } from './primary-ip.ts'
import { rdns } from './rdns.ts'
import { server } from './server.ts'
import { sshKey } from './ssh-key.ts'
import { volume } from './volume.ts'
import { volumeAttachment } from './volume-attachment.ts'

const tokenLength = 64
const defaultPollInterval = '500ms'
const units = { ms: 1, s: 1_000, m: 60_000 }

/** A duration as Go writes it, in milliseconds. */
function duration(value: string): number {
  const [, amount, unit] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m)$/.exec(value) ?? []
  if (amount === undefined) throw new Error(`hcloud:pollInterval is "${value}": give a duration such as 500ms or 2s`)
  return Number(amount) * units[unit as keyof typeof units]
}

const tokenOf = (configuration: Properties) => text(configuration, 'token') ?? process.env.HCLOUD_TOKEN ?? ''

function checkConfiguration(configuration: Properties): Failure[] {
  const token = tokenOf(configuration)
  if (isUnknown(token) || token.length === tokenLength) return []
  const reason = `the token must be exactly ${tokenLength} characters long, and is ${token.length}: set hcloud:token or HCLOUD_TOKEN`
  return [{ property: 'token', reason }]
}

export const hcloudProvider: Provider<HcloudClient> = {
  name: 'hcloud',
  version: '1.41.0',
  checkConfiguration,
  configure(configuration) {
    const [failure] = checkConfiguration(configuration)
    if (failure) throw new Error(failure.reason)
    const endpoint = text(configuration, 'endpoint') ?? process.env.HCLOUD_ENDPOINT ?? 'https://api.hetzner.cloud/v1'
    return hcloudClient({
      endpoint: endpoint.replace(/\/+$/, ''),
      token: tokenOf(configuration),
      pollInterval: duration(text(configuration, 'pollInterval') ?? defaultPollInterval),
    })
  },
  resources: {
    'hcloud:index/sshKey:SshKey': sshKey,
    'hcloud:index/firewall:Firewall': firewall,
    'hcloud:index/primaryIp:PrimaryIp': primaryIp,
    'hcloud:index/rdns:Rdns': rdns,
    'hcloud:index/server:Server': server,
    'hcloud:index/volume:Volume': volume,
    'hcloud:index/volumeAttachment:VolumeAttachment': volumeAttachment,
  },
  functions: hcloudFunctions,
}
