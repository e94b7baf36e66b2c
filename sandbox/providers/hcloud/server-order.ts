import { isObject, list, type Properties, present, requiredText, text, type Value } from '../values.ts'
import { type HcloudClient, member } from './client.ts'

function first(answer: Properties, key: string, what: string): Properties {
  const found = list(answer, key)[0]
  if (isObject(found)) return found
  throw new Error(`The Hetzner Cloud API knows no ${what}`)
}

const isId = (value: string) => /^[0-9]+$/.test(value)

async function findImage(
  image: string,
  architecture: string,
  client: HcloudClient,
  signal: AbortSignal,
): Promise<Value> {
  if (isId(image)) return member(await client.request('GET', `/images/${image}`, signal), 'image').id ?? null
  const query = new URLSearchParams({ architecture, include_deprecated: 'true', name: image })
  const answer = await client.request('GET', `/images?${query}`, signal)
  return first(answer, 'images', `image "${image}" for the architecture ${architecture}`).id ?? null
}

async function findSshKey(key: string, client: HcloudClient, signal: AbortSignal): Promise<Value> {
  if (isId(key)) return member(await client.request('GET', `/ssh_keys/${key}`, signal), 'ssh_key').id ?? null
  const answer = await client.request('GET', `/ssh_keys?${new URLSearchParams({ name: key })}`, signal)
  return first(answer, 'ssh_keys', `SSH key "${key}"`).id ?? null
}

function publicNet(inputs: Properties): Properties | undefined {
  const net = list(inputs, 'publicNets')[0]
  if (!isObject(net)) return undefined
  return present({
    enable_ipv4: net.ipv4Enabled ?? true,
    enable_ipv6: net.ipv6Enabled ?? true,
    ipv4: net.ipv4 === 0 ? undefined : net.ipv4,
    ipv6: net.ipv6 === 0 ? undefined : net.ipv6,
  })
}

/** The body of `POST /servers`, after the names in it have been looked up as the genuine provider does. */
export async function orderServer(inputs: Properties, client: HcloudClient, signal: AbortSignal): Promise<Properties> {
  const serverType = requiredText(inputs, 'serverType')
  const query = isId(serverType) ? `/${serverType}` : `?${new URLSearchParams({ name: serverType })}`
  const answer = await client.request('GET', `/server_types${query}`, signal)
  const type = isId(serverType)
    ? member(answer, 'server_type')
    : first(answer, 'server_types', `server type "${serverType}"`)
  const image = await findImage(requiredText(inputs, 'image'), text(type, 'architecture') ?? 'x86', client, signal)
  const sshKeys: Value[] = []
  for (const key of list(inputs, 'sshKeys')) sshKeys.push(await findSshKey(String(key), client, signal))
  return present({
    name: requiredText(inputs, 'name'),
    server_type: serverType,
    image,
    ssh_keys: sshKeys.length > 0 ? sshKeys : undefined,
    location: inputs.location,
    user_data: inputs.userData,
    labels: inputs.labels ?? {},
    firewalls:
      inputs.firewallIds === undefined ? undefined : list(inputs, 'firewallIds').map((firewall) => ({ firewall })),
    public_net: publicNet(inputs),
  })
}
