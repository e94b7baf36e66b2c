import { execa } from 'execa'
import { z } from 'zod'

/** The host's interface towards the world. */
interface Uplink {
  readonly name: string
  readonly mtu: number
}

const routes = z.array(z.object({ dev: z.string() }))
const links = z.array(z.object({ ifname: z.string(), mtu: z.number() }))

export async function uplink(): Promise<Uplink> {
  const [route] = routes.parse(JSON.parse(await ip('-json', '-4', 'route', 'show', 'default')))
  if (!route) throw new Error('this host has no IPv4 default route: the sandbox needs it to reach package archives')
  const [link] = links.parse(JSON.parse(await ip('-json', 'link', 'show', 'dev', route.dev)))
  return { name: route.dev, mtu: link?.mtu ?? 1500 }
}

export async function removeLink(name: string): Promise<void> {
  await ip('link', 'delete', name).catch((error: Error) => {
    if (!error.message.includes('Cannot find device')) throw error
  })
}

export async function ip(...options: string[]): Promise<string> {
  return (await execa('ip', options)).stdout || '[]'
}
