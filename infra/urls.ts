import { type Port, ports } from './ports.ts'
import type { Settings } from './settings.ts'

/** Where clients connect. Plain WebSocket is missing on purpose: port 80 answers with a redirect only. */
export interface Urls {
  /** Missing when the settings switch plain MQTT off. */
  readonly mqtt?: string
  readonly mqtts: string
  readonly wss: string
  readonly https: string
}

export function urlsOf({ hostname, plainMqtt }: Pick<Settings, 'hostname' | 'plainMqtt'>): Urls {
  return {
    ...(plainMqtt ? { mqtt: `mqtt://${hostname}:${numberOf('mqtt')}` } : {}),
    mqtts: `mqtts://${hostname}:${numberOf('mqtts')}`,
    wss: `wss://${hostname}/mqtt/`,
    https: `https://${hostname}/`,
  }
}

function numberOf(name: Port['name']): number | undefined {
  return ports.find((port) => port.name === name)?.number
}
