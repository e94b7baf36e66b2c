import { execa } from 'execa'
import { z } from 'zod'

/** The host's interface towards the world. */
interface Uplink {
  readonly name: string
  /** The one that IPv6 takes; undefined where this host reaches the world by IPv4 only. */
  readonly name6: string | undefined
  readonly mtu: number
}

const routes = z.array(z.object({ dev: z.string().optional() }))
const links = z.array(z.object({ ifname: z.string(), mtu: z.number() }))

export async function uplink(): Promise<Uplink> {
  const name = await defaultDevice('-4')
  if (!name) throw new Error('this host has no IPv4 default route: the sandbox needs it to reach package archives')
  const [link] = links.parse(JSON.parse(await ip('-json', 'link', 'show', 'dev', name)))
  return { name, name6: await defaultDevice('-6'), mtu: link?.mtu ?? 1500 }
}

async function defaultDevice(family: '-4' | '-6'): Promise<string | undefined> {
  const [route] = routes.parse(JSON.parse(await ip('-json', family, 'route', 'show', 'default')))
  return route?.dev
}

export async function removeLink(name: string): Promise<void> {
  await ip('link', 'delete', name).catch((error: Error) => {
    if (!error.message.includes('Cannot find device')) throw error
  })
}

export async function ip(...options: string[]): Promise<string> {
  return (await execa('ip', options)).stdout || '[]'
}
