import type { ReleaseSecrets } from './secrets.ts'

/** The user that the health check is on 1883 and over WebSocket. */
export const healthUser = 'skerry-health'

/** The health check's own password, made on the server: in clear for it, as scrypt hash (PHC) for the broker. */
export interface HealthPassword {
  readonly password: string
  readonly hash: string
}

/** @returns path below /etc/skerry → content: each service's directory holds what that service may see, and no more; `volume` is for `apply` */
export function credentialFiles(secrets: ReleaseSecrets, health: HealthPassword): Record<string, string> {
  const passwords = { ...secrets.passwords, [healthUser]: health.hash }
  return {
    'broker/authorities.pem': secrets.authorities,
    'broker/broker.crt': secrets.broker.certificate,
    'broker/broker.key': secrets.broker.privateKey,
    'broker/proxy.crt': secrets.proxy.certificate,
    'broker/passwords.json': `${JSON.stringify(passwords, null, 2)}\n`,
    'nginx/authorities.pem': secrets.authorities,
    'nginx/proxy.crt': secrets.proxy.certificate,
    'nginx/proxy.key': secrets.proxy.privateKey,
    'health/authorities.pem': secrets.authorities,
    'health/health.crt': secrets.health.certificate,
    'health/health.key': secrets.health.privateKey,
    'health/password': health.password,
    'health/password.phc': health.hash,
    volume: `${secrets.volume}\n`,
  }
}
