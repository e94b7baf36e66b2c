import * as hcloud from '@pulumi/hcloud'
import { all, ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi'
import * as tls from '@pulumi/tls'
import { renderUserData } from '../cloud-init/user-data.ts'
import type { Dns } from './dns.ts'
import { labels } from './labels.ts'

interface ServerArgs {
  readonly hostname: string
  readonly serverType: string
  readonly image: string
  /** One more makes a new server, with the same addresses and the same volume. */
  readonly generation: number
  readonly ipv4: hcloud.PrimaryIp
  readonly ipv6: hcloud.PrimaryIp
  readonly firewall: hcloud.Firewall
  /** The name must lead to the address before the server asks for its first public certificate. */
  readonly dns: Dns
}

/** How the release reaches the server; the host key is known beforehand, never learned. */
export interface Connection {
  readonly host: Output<string>
  readonly user: string
  readonly privateKey: Output<string>
  readonly hostKey: Output<string>
}

/** The virtual machine with its SSH keys. */
export class Server extends ComponentResource {
  /** Of the machine at Hetzner: another one after a replacement. */
  readonly id: Output<string>
  readonly connection: Connection

  constructor(name: string, args: ServerArgs, options?: ComponentResourceOptions) {
    super('skerry:infra:Server', name, {}, options)
    const deployKey = new tls.PrivateKey('deploy', { algorithm: 'ED25519' }, { parent: this })
    const hostKey = new tls.PrivateKey('host', { algorithm: 'ED25519' }, { parent: this })
    // The provider ends public keys with a newline, which neither sshd's files nor Hetzner's API keep.
    const deployPublicKey = deployKey.publicKeyOpenssh.apply((key) => key.trim())
    const hostPublicKey = hostKey.publicKeyOpenssh.apply((key) => key.trim())
    // Registered at Hetzner too: a server without a key there gets a root password by e-mail.
    const sshKey = new hcloud.SshKey(
      'deploy',
      { name: args.hostname, publicKey: deployPublicKey, labels },
      { parent: this },
    )
    const server = new hcloud.Server(
      'server',
      {
        name: args.hostname,
        serverType: args.serverType,
        // A disk that has grown cannot shrink, and with it no smaller type could be had again; the data is elsewhere.
        keepDisk: true,
        image: args.image,
        // Where the addresses are: they cannot be used elsewhere.
        location: args.ipv4.location,
        firewallIds: [args.firewall.id.apply(Number)],
        publicNets: [
          {
            ipv4Enabled: true,
            ipv4: args.ipv4.id.apply(Number),
            ipv6Enabled: true,
            ipv6: args.ipv6.id.apply(Number),
          },
        ],
        sshKeys: [sshKey.id],
        userData: all([deployPublicKey, hostKey.privateKeyOpenssh, hostPublicKey]).apply(
          ([deployPublicKey, hostPrivateKey, hostPublicKey]) =>
            renderUserData({ deployPublicKey, hostPrivateKey, hostPublicKey }),
        ),
        labels: { ...labels, generation: String(args.generation) },
      },
      {
        parent: this,
        dependsOn: [args.dns],
        // Each of these would replace a running server; only `generation` may, and then it takes their new values.
        ignoreChanges: ['userData', 'sshKeys', 'image', 'location'],
        replaceOnChanges: ['labels.generation'],
        // The addresses belong to one server at a time.
        deleteBeforeReplace: true,
        additionalSecretOutputs: ['userData'],
      },
    )
    this.id = server.id
    this.connection = {
      host: args.ipv4.ipAddress,
      user: 'deploy',
      privateKey: deployKey.privateKeyOpenssh,
      hostKey: hostPublicKey,
    }
    this.registerOutputs({ id: this.id, hostKey: hostPublicKey })
  }
}
