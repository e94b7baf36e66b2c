/** One TCP port that a server answers on; who may reach it is decided by the cloud firewall. */
export interface Port {
  readonly name: 'ssh' | 'http' | 'https' | 'mqtt' | 'mqtts'
  readonly number: number
  /** `everyone`: the whole internet; `operators`: only the configured SSH networks. */
  readonly audience: 'everyone' | 'operators'
  readonly purpose: string
}

/** The one list of ports: it feeds the cloud firewall, the server's own firewall and the documentation. */
export const ports: readonly Port[] = [
  { name: 'ssh', number: 22, audience: 'operators', purpose: 'SSH, for deploying releases' },
  { name: 'http', number: 80, audience: 'everyone', purpose: 'ACME challenges and the redirect to HTTPS' },
  { name: 'https', number: 443, audience: 'everyone', purpose: 'HTTPS and MQTT over WebSocket' },
  { name: 'mqtt', number: 1883, audience: 'everyone', purpose: 'MQTT without TLS' },
  { name: 'mqtts', number: 8883, audience: 'everyone', purpose: 'MQTT over mutual TLS' },
]
