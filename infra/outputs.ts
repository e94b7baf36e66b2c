import { interpolate, secret } from '@pulumi/pulumi'
import type { Environment } from './environment.ts'

/**
 * What a stack tells when it stands; keys are secret: `pulumi stack output --show-secrets NAME`.
 * Certificates and keys are PEM, the SSH key is in OpenSSH's format.
 */
export function stackOutputs({ hostname, ipv4Address, ipv6Address, urls, trust, server }: Environment) {
  const { host, user, privateKey, hostKey } = server.connection
  return {
    hostname,
    ipv4Address,
    ipv6Address,
    urls,
    /** All that a device needs to trust: one certificate, or two while the authority is being changed. */
    caCertificate: trust.roots,
    adminCertificate: trust.administrator.certificate,
    adminKey: secret(trust.administrator.privateKey),
    deployKey: secret(privateKey),
    hostPublicKey: hostKey,
    /** Run it where the stack is selected: it writes the deploy key and the known host key beside itself first. */
    sshCommand: interpolate`(umask 077 && pulumi stack output --show-secrets deployKey > deploy.key && echo "${host} $(pulumi stack output hostPublicKey)" > known_hosts) && ssh -i deploy.key -o IdentitiesOnly=yes -o UserKnownHostsFile=known_hosts ${user}@${host} sudo /usr/local/sbin/skerry-release status`,
  }
}
